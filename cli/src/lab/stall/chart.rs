//! A chart of a run over its seconds, as SVG, with the phases of its checkpoints behind it.

use super::results::Run;
use crate::exit::Failure;
use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::{
    Cartesian2d, IntoDrawingArea, LineSeries, PathElement, RGBColor, Rectangle, SVGBackend,
    SeriesLabelPosition,
};
use plotters::style::{BLACK, Color, WHITE};
use std::error::Error;

const SIZE: (u32, u32) = (1100, 200);

const WRITE: RGBColor = RGBColor(214, 228, 245);
const SYNC: RGBColor = RGBColor(245, 160, 150);

/// A line of a chart.
pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) color: RGBColor,
    /// A value for each second; none where it is NaN.
    pub(super) values: Vec<f64>,
}

/// What the values are.
#[derive(Clone, Copy)]
pub(super) struct Axis {
    pub(super) name: &'static str,
    pub(super) max: f64,
    /// Decades from 0.1 on.
    pub(super) is_logarithmic: bool,
}

/// Where a logarithmic axis begins.
const LOG_MIN: f64 = 0.1;

impl Axis {
    /// Where a value is on the axis.
    fn place(self, value: f64) -> f64 {
        if self.is_logarithmic { value.max(LOG_MIN).log10() } else { value }
    }

    fn label(self, place: f64) -> String {
        match self.is_logarithmic {
            true if place < 0.0 => format!("{:.1}", 10f64.powf(place)),
            true => format!("{:.0}", 10f64.powf(place)),
            false => format!("{place:.0}"),
        }
    }
}

/// The SVG element.
pub(super) fn svg(run: &Run, axis: Axis, lines: Vec<Line>) -> Result<String, Failure> {
    let mut text = String::new();
    let drawn = draw(&mut text, run, axis, lines);
    drawn.map_err(|error| Failure::Io(format!("chart of {}: {error}", axis.name)))?;
    Ok(text)
}

fn draw(text: &mut String, run: &Run, axis: Axis, lines: Vec<Line>) -> Result<(), Box<dyn Error>> {
    let area = SVGBackend::with_string(text, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let seconds = run.measured.seconds.len() as f64;
    let (low, high) = (axis.place(0.0), axis.place(axis.max.max(1.0)));
    let mut chart = ChartBuilder::on(&area)
        .margin(6)
        .x_label_area_size(20)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..seconds, low..high)?;
    draw_phases(&mut chart, run, low..high)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE.mix(0.0))
        .y_desc(axis.name)
        .y_labels(5)
        .x_label_formatter(&|second| format!("{second:.0} s"))
        .y_label_formatter(&|place| axis.label(*place))
        .draw()?;
    for Line { name, color, values } in lines {
        let middle = |second: usize| second as f64 + 0.5;
        let points = values.into_iter().enumerate().filter(|(_, value)| !value.is_nan());
        let points = points.map(|(second, value)| (middle(second), axis.place(value)));
        let drawn = chart.draw_series(LineSeries::new(points, &color))?;
        drawn.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 14, y)], color));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.2))
        .draw()?;
    area.present()?;
    Ok(())
}

type Chart<'t> = ChartContext<'t, SVGBackend<'t>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

fn draw_phases(
    chart: &mut Chart<'_>,
    run: &Run,
    height: std::ops::Range<f64>,
) -> Result<(), Box<dyn Error>> {
    let end = run.measured.seconds.len() as f64;
    for checkpoint in &run.measured.checkpoints {
        let start = run.seconds_to(checkpoint.start_epoch_ms);
        let seconds = |ms: u64| ms as f64 / 1000.0;
        let (written, synced) = match checkpoint.phases {
            None => (end, end),
            Some(phases) => {
                let written = start + seconds(phases.write_ms);
                (written, written + seconds(phases.sync_ms))
            }
        };
        for (from, to, color) in [(start, written, WRITE), (written, synced, SYNC)] {
            let (from, to) = (from.clamp(0.0, end), to.clamp(0.0, end));
            let corners = [(from, height.start), (to, height.end)];
            chart.draw_series([Rectangle::new(corners, color.filled())])?;
        }
    }
    Ok(())
}

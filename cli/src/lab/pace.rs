//! `lab pace`: how a checkpoint's writes go on paper, beside the even rate: a chart, and numbers.
//! Nothing is measured and no disk is used; the pacing is the store's own.

use crate::args::parse_duration;
use crate::exit::{Failure, result};
use clap::Args;
use plotters::chart::ChartBuilder;
use plotters::prelude::{IntoDrawingArea, LineSeries, PathElement, SVGBackend};
use plotters::style::{BLACK, BLUE, Color, GREEN, RED, WHITE};
use seawall::seawall_core::checkpoint::{Point, Schedule, Surroundings, simulate};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, Args)]
pub(crate) struct PaceArgs {
    /// The chart, as SVG
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Pages to write
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pages: u32,
    /// Time over which they are to be spread
    #[arg(long, default_value = "27s", value_parser = parse_duration)]
    spread: Duration,
    /// Time that a write takes
    #[arg(long, default_value = "1ms", value_parser = parse_duration)]
    write: Duration,
    /// Time that the one write takes during which half of the spread has passed
    #[arg(long, default_value = "0s", value_parser = parse_duration)]
    stall: Duration,
    /// Pages that others write in a second, to evict them
    #[arg(long, default_value_t = 0)]
    others_per_s: u32,
    /// WAL after which the next checkpoint is due
    #[arg(long, default_value_t = 512)]
    wal_budget_mib: u64,
    /// WAL in each second, without images
    #[arg(long, default_value_t = 1)]
    wal_mib_per_s: u64,
    /// Full-page images in the first second, beside it
    #[arg(long, default_value_t = 100)]
    image_mib: u64,
}

pub(super) fn run(args: &PaceArgs) -> Result<(), Failure> {
    let points = args.simulate();
    draw(&args.out, &points, args.spread, args.pages)
        .map_err(|error| Failure::Io(format!("{}: {error}", args.out.display())))?;
    let end = points.last().map_or(Duration::ZERO, |point| point.elapsed);
    let off = points.iter().map(|point| point.written as f64 - point.ideal);
    let (behind, ahead) = off.fold((0f64, 0f64), |(low, high), off| (low.min(off), high.max(off)));
    result(&format!(
        "{} pages, {} by the checkpoint, in {:.3} s of {:.3} s; \
         at most {:.0} ahead of the even rate and {:.0} behind it",
        args.pages,
        points.last().map_or(0, |point| point.own),
        end.as_secs_f64(),
        args.spread.as_secs_f64(),
        ahead,
        behind.abs()
    ))
}

impl PaceArgs {
    fn simulate(&self) -> Vec<Point> {
        let schedule = Schedule { spread: self.spread, wal_bytes: self.wal_budget_mib << 20 };
        let mut stalled = self.stall.is_zero();
        let device = |elapsed: Duration| {
            let stalls = !stalled && elapsed >= self.spread / 2;
            stalled |= stalls;
            if stalls { self.stall } else { self.write }
        };
        let log = |elapsed: Duration| {
            let bytes = |mib: u64, seconds: f64| ((mib << 20) as f64 * seconds) as u64;
            let images = bytes(self.image_mib, elapsed.as_secs_f64().min(1.0));
            (bytes(self.wal_mib_per_s, elapsed.as_secs_f64()) + images, images)
        };
        let others =
            |elapsed: Duration| (elapsed.as_secs_f64() * f64::from(self.others_per_s)) as usize;
        simulate(schedule, self.pages as usize, Surroundings { device, log, others })
    }
}

fn draw(out: &Path, points: &[Point], spread: Duration, pages: u32) -> Result<(), Box<dyn Error>> {
    let area = SVGBackend::new(out, (900, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let end = points.last().map_or(spread, |point| point.elapsed.max(spread)).as_secs_f64();
    let mut chart = ChartBuilder::on(&area)
        .margin(8)
        .x_label_area_size(28)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..end, 0.0..f64::from(pages))?;
    chart.configure_mesh().x_desc("seconds").y_desc("pages").draw()?;
    let seconds = |point: &Point| point.elapsed.as_secs_f64();
    let written = points.iter().map(|point| (seconds(point), point.written as f64));
    let own = points.iter().map(|point| (seconds(point), point.own as f64));
    let ideal = points.iter().map(|point| (seconds(point), point.ideal));
    let ideal = chart.draw_series(LineSeries::new(ideal, &RED))?.label("even rate");
    ideal.legend(|(x, y)| PathElement::new([(x, y), (x + 14, y)], RED));
    let written = chart.draw_series(LineSeries::new(written, &BLUE))?.label("written");
    written.legend(|(x, y)| PathElement::new([(x, y), (x + 14, y)], BLUE));
    let own = chart.draw_series(LineSeries::new(own, &GREEN))?.label("by the checkpoint");
    own.legend(|(x, y)| PathElement::new([(x, y), (x + 14, y)], GREEN));
    chart.configure_series_labels().border_style(BLACK.mix(0.2)).draw()?;
    area.present()?;
    Ok(())
}

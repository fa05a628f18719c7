//! Charts as SVG: lines over two axes, and bars.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::table::number;

const SIZE: (u32, u32) = (860, 460);
const TEXT: (&str, u32) = ("sans-serif", 15);
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 90, 160),
    RGBColor(200, 80, 0),
    RGBColor(0, 130, 90),
    RGBColor(150, 60, 150),
    RGBColor(110, 110, 110),
    RGBColor(180, 30, 40),
];

/// One direction of a chart.
#[derive(Clone)]
pub struct Axis {
    /// What it shows, with its unit.
    pub name: &'static str,
    /// Whether equal steps are equal factors.
    pub log: bool,
    /// Where it begins.
    pub least: f64,
    /// Where it ends.
    pub most: f64,
}

impl Axis {
    /// One that begins at 0 and has room for these.
    pub fn from_zero(name: &'static str, values: impl Iterator<Item = f64>) -> Self {
        let most = values.fold(f64::MIN_POSITIVE, f64::max) * 1.1;
        Self {
            name,
            log: false,
            least: 0.0,
            most,
        }
    }

    /// A logarithmic one from the power of ten below the least of these to that above the most.
    pub fn powers(name: &'static str, values: impl Iterator<Item = f64> + Clone) -> Self {
        let positive = values.filter(|value| *value > 0.0);
        let least = positive.clone().fold(f64::MAX, f64::min);
        let most = positive.fold(f64::MIN_POSITIVE, f64::max);
        let power = |value: f64, round: fn(f64) -> f64| 10f64.powf(round(value.log10()));
        let (least, most) = (power(least, f64::floor), power(most, f64::ceil));
        Self {
            name,
            log: true,
            least,
            most: most.max(least * 10.0),
        }
    }

    /// Where a value stands.
    fn place(&self, value: f64) -> f64 {
        if self.log {
            value.max(self.least).log10()
        } else {
            value
        }
    }

    /// Where numbers stand: at each power of ten, or at steps of 1, 2 or 5.
    fn ticks(&self) -> Vec<f64> {
        let (first, last) = (self.place(self.least), self.place(self.most));
        let step = if self.log {
            1.0
        } else {
            let rough = (last - first) / 6.0;
            let power = 10f64.powf(rough.log10().floor());
            let factor = [1.0, 2.0, 5.0, 10.0]
                .into_iter()
                .find(|factor| power * factor >= rough);
            power * factor.unwrap_or(10.0)
        };
        let count = ((last - first) / step + 1e-9).floor() as usize;
        let ticks = (0..=count).map(|at| first + at as f64 * step);
        if self.log {
            ticks.map(|power| 10f64.powf(power)).collect()
        } else {
            ticks.collect()
        }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (begin, end): (i32, i32)) -> i32 {
        let (first, last) = (self.place(self.least), self.place(self.most));
        let share = (self.place(*value) - first) / (last - first);
        begin + (f64::from(end - begin) * share).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks()
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.least..self.most
    }
}

impl ValueFormatter<f64> for Axis {
    fn format(value: &f64) -> String {
        number(*value)
    }
}

/// A line, or points where it is not drawn through.
pub struct Line {
    /// What it is.
    pub name: String,
    /// Its points.
    pub points: Vec<(f64, f64)>,
    /// Whether its points are marked.
    pub marked: bool,
}

/// Lines with a legend.
pub fn lines(path: &Path, title: &str, axes: [&Axis; 2], lines: &[Line]) -> Result<()> {
    let [across, up] = axes;
    // Where the lines end, or where they do not come.
    let legend = if up.log {
        SeriesLabelPosition::UpperRight
    } else {
        SeriesLabelPosition::LowerRight
    };
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE).map_err(drawn)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 20))
        .margin(16)
        .margin_right(48)
        .x_label_area_size(48)
        .y_label_area_size(76)
        .build_cartesian_2d(across.clone(), up.clone())
        .map_err(drawn)?;
    chart
        .configure_mesh()
        .x_desc(across.name)
        .y_desc(up.name)
        .label_style(TEXT)
        .axis_desc_style(TEXT)
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12))
        .draw()
        .map_err(drawn)?;
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        let places = || line.points.iter().copied();
        chart
            .draw_series(LineSeries::new(places(), colour.stroke_width(2)))
            .map_err(drawn)?
            .label(line.name.as_str())
            .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(3)));
        if line.marked {
            let marks = places().map(|place| Circle::new(place, 4, colour.filled()));
            chart.draw_series(marks).map_err(drawn)?;
        }
    }
    chart
        .configure_series_labels()
        .position(legend)
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.2))
        .label_font(TEXT)
        .draw()
        .map_err(drawn)?;
    root.present().map_err(drawn)
}

/// A bar, and the number beside it.
pub struct Bar {
    /// What it is.
    pub name: String,
    /// How long it is.
    pub value: f64,
    /// What is promised of it, as a mark.
    pub goal: Option<f64>,
}

/// Bars from left to right, one below the other.
pub fn bars(path: &Path, title: &str, axis: &Axis, bars: &[Bar]) -> Result<()> {
    let height = 130 + 38 * bars.len() as u32;
    let root = SVGBackend::new(path, (SIZE.0, height)).into_drawing_area();
    root.fill(&WHITE).map_err(drawn)?;
    let middle = |at: usize| bars.len() as f64 - at as f64 - 0.5;
    let up = Axis {
        name: "",
        log: false,
        least: 0.0,
        most: bars.len() as f64,
    };
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 20))
        .margin(16)
        .margin_right(90)
        .x_label_area_size(48)
        .margin_left(280)
        .build_cartesian_2d(axis.clone(), up)
        .map_err(drawn)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .x_desc(axis.name)
        .label_style(TEXT)
        .axis_desc_style(TEXT)
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12))
        .draw()
        .map_err(drawn)?;
    for (at, bar) in bars.iter().enumerate() {
        let (at, end) = (middle(at), bar.value.max(axis.least));
        let body = Rectangle::new(
            [(axis.least, at - 0.3), (end, at + 0.3)],
            COLOURS[0].filled(),
        );
        let words = EmptyElement::at((end, at)) + Text::new(number(bar.value), (6, -7), TEXT);
        let left = TEXT
            .into_text_style(&root)
            .pos(Pos::new(HPos::Right, VPos::Center));
        let name = EmptyElement::at((axis.least, at)) + Text::new(bar.name.clone(), (-10, 0), left);
        chart.draw_series([body]).map_err(drawn)?;
        chart.draw_series([words]).map_err(drawn)?;
        chart.draw_series([name]).map_err(drawn)?;
        if let Some(goal) = bar.goal {
            let mark = PathElement::new(
                [(goal, at - 0.42), (goal, at + 0.42)],
                COLOURS[1].stroke_width(3),
            );
            chart.draw_series([mark]).map_err(drawn)?;
        }
    }
    root.present().map_err(drawn)
}

fn drawn(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot draw: {error}")
}

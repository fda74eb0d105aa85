//! The table as a picture: horizontal bars of the ratio to raw hyper, each with its aim as a tick. Plain SVG that follows
//! the reader's light or dark mode.

use std::fmt::Write as _;

use crate::table::{Row, Table};

const WIDTH: f64 = 820.0;
/// Where the bars begin; the names stand left of it.
const LEFT: f64 = 270.0;
/// Room right of the longest bar, for its figure.
const RIGHT: f64 = 150.0;
/// Width of a figure, at most.
const FIGURE: f64 = 125.0;
const TOP: f64 = 74.0;
const STEP: f64 = 32.0;
const BAR: f64 = 18.0;

const STYLE: &str = "\
text{font:14px system-ui,sans-serif;fill:#1f2328}.title{font-size:17px;font-weight:600}.small{font-size:12px;fill:#59636e}\
.bar{fill:#8c959f}.ours{fill:#0a7d5a}.floor{fill:#c4cad1}.aim{stroke:#bc4c00;stroke-width:3}.grid{stroke:#d1d9e0}\
.cut{stroke:#fff;stroke-width:4}\
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.small{fill:#9198a1}.bar{fill:#6e7681}.ours{fill:#2fb185}\
.floor{fill:#3d444d}.aim{stroke:#ffa657}.grid{stroke:#30363d}.cut{stroke:#0d1117}}";

/// Draws `table`, with `caption` below the title. Bars beyond the scale that our own rows need are cut, and say so.
pub(crate) fn draw(table: &Table, caption: &str) -> String {
    let end = scale(&table.rows);
    let unit = (WIDTH - LEFT - RIGHT) / end;
    let height = TOP + STEP * table.rows.len() as f64 + 34.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"CPU time per request as a ratio to raw hyper\">\n<style>{STYLE}</style>\n\
         <text class=\"title\" x=\"16\" y=\"28\">CPU time per request, raw hyper = 1 (shorter is better)</text>\n\
         <text class=\"small\" x=\"16\" y=\"48\">{}</text>\n",
        escape(caption)
    );
    grid(&mut svg, end, unit, height - 34.0);
    for (index, row) in table.rows.iter().enumerate() {
        bar(&mut svg, row, TOP + STEP * index as f64, end, unit);
    }
    let _ = writeln!(
        svg,
        "<line class=\"aim\" x1=\"{LEFT}\" x2=\"{LEFT}\" y1=\"{}\" y2=\"{}\"/>\
         <text class=\"small\" x=\"{}\" y=\"{}\">our aim; a bar with a gap is longer than drawn</text>\n</svg>",
        height - 24.0,
        height - 8.0,
        LEFT + 10.0,
        height - 12.0
    );
    svg
}

/// The largest ratio drawn to scale: enough for raw hyper and for ours, at least 4.
fn scale(rows: &[Row]) -> f64 {
    let ours = rows.iter().filter_map(|row| Some(row.aim?.max(row.median.ratio)));
    (ours.fold(4.0, f64::max) + 0.5).ceil()
}

fn grid(svg: &mut String, end: f64, unit: f64, bottom: f64) {
    for ratio in (0..=end as u32).step_by(if end > 12.0 { 4 } else { 1 }) {
        let x = LEFT + f64::from(ratio) * unit;
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{bottom:.1}\"/>\
             <text class=\"small\" text-anchor=\"middle\" x=\"{x:.1}\" y=\"{:.1}\">{ratio}</text>",
            TOP - 4.0,
            TOP - 8.0
        );
    }
}

fn bar(svg: &mut String, row: &Row, y: f64, end: f64, unit: f64) {
    let ratio = row.median.ratio;
    let class = match (row.aim, ratio == 1.0) {
        (Some(_), _) => "ours",
        (None, true) => "floor",
        (None, false) => "bar",
    };
    let length = ratio.min(end) * unit;
    let (middle, right) = (y + BAR - 4.0, LEFT + length);
    // The figure stands behind the bar, or behind the tick where it would run into it.
    let tick = row.aim.map_or(0.0, |aim| LEFT + aim * unit);
    let figure = if tick > right + FIGURE { right } else { right.max(tick) } + 10.0;
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{middle:.1}\" text-anchor=\"end\">{}</text>\
         <rect class=\"{class}\" x=\"{LEFT}\" y=\"{y:.1}\" width=\"{length:.1}\" height=\"{BAR}\" rx=\"2\"/>\
         <text x=\"{:.1}\" y=\"{middle:.1}\">{ratio:.2} <tspan class=\"small\">({:.1} us)</tspan></text>",
        LEFT - 10.0,
        escape(&row.name),
        figure,
        row.median.cpu_us
    );
    if ratio > end {
        let x = right - 26.0;
        let _ = writeln!(
            svg,
            "<line class=\"cut\" x1=\"{x:.1}\" x2=\"{:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>",
            x + 8.0,
            y + BAR + 2.0,
            y - 2.0
        );
    }
    if let Some(aim) = row.aim {
        let x = LEFT + aim * unit;
        let _ = writeln!(
            svg,
            "<line class=\"aim\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>",
            y - 3.0,
            y + BAR + 3.0
        );
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Sample;
    use crate::usage::Memory;

    fn row(name: &str, aim: Option<f64>, ratio: f64) -> Row {
        let median = Sample {
            cpu_us: ratio * 8.3,
            ratio,
            per_second: 1.0,
            p50_ms: 1.0,
            p99_ms: 1.0,
            memory: Memory::default(),
            foreign_cores: 0.0,
        };
        Row { name: name.to_owned(), aim, median, rounds: Vec::new() }
    }

    #[test]
    fn a_long_bar_is_cut_and_names_are_escaped() {
        let rows = vec![row("raw", None, 1.0), row("ours <&>", Some(1.5), 1.3), row("far", None, 23.0)];
        let svg = draw(&Table { rows, absent: Vec::new() }, "2 cores");
        assert!(svg.contains("ours &lt;&amp;>"), "{svg}");
        assert!(svg.contains("23.00") && svg.contains("class=\"cut\""), "{svg}");
        assert_eq!(svg.matches("class=\"ours\"").count(), 1);
        assert_eq!(svg.matches("class=\"floor\"").count(), 1);
    }
}

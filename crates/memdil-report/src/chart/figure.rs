//! A figure: groups of pictures with a shared legend, as part of the page or as an SVG file.

use super::marker::{Glyph, mark};
use super::palette::style;
use crate::text::{escape, when};

/// One panel.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// Title and description for screen readers.
    pub(crate) title: String,
    pub(crate) desc: String,
    pub(crate) body: String,
}

/// Panels that are laid out together.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) title: Option<String>,
    pub(crate) columns: usize,
    pub(crate) pictures: Vec<Picture>,
}

/// An entry of a legend.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    symbol: Symbol,
    label: String,
}

/// The symbol of a legend entry.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Symbol {
    /// A colour class.
    Colour(&'static str),
    /// A colour class with a mark of the matching shape.
    Marked(&'static str, Glyph),
    /// A shape without colour.
    Shape(Glyph),
    /// Small dots of a colour class.
    Dots(&'static str),
    /// Small crosses of a colour class.
    Crosses(&'static str),
    /// Class mean.
    Mean,
    /// Decision line.
    Decision,
    /// Dotted line.
    Limit,
    /// Solid line, on a map or through points.
    Line,
}

/// A numbered figure.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figure {
    /// Stem of the file name.
    pub(crate) name: String,
    pub(crate) heading: &'static str,
    /// The result, in one or two sentences.
    pub(crate) caption: String,
    /// How to read the figure.
    pub(crate) reading: String,
    pub(crate) legend: Vec<Key>,
    pub(crate) groups: Vec<Group>,
    /// Whether columns stay side by side on a narrow screen instead of wrapping.
    pub(crate) side_by_side: bool,
}

impl Picture {
    /// The `svg` element with additional attributes.
    pub(crate) fn tag(&self, id: &str, attributes: &str) -> String {
        let Self { width, height, .. } = self;
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="chart" {attributes} viewBox="0 0 {width} {height}" role="img" aria-labelledby="{id}-t {id}-d"><title id="{id}-t">{}</title><desc id="{id}-d">{}</desc>{}</svg>"#,
            escape(&self.title),
            escape(&self.desc),
            self.body
        )
    }
}

impl Symbol {
    /// The symbol as SVG in a box of 24 by 14.
    fn svg(self) -> String {
        match self {
            Self::Colour(class) => format!(r#"<path class="swatch s {class}" d="M4 7H20"/>"#),
            Self::Marked(class, glyph) => {
                let mark = mark(glyph, 12.0, 7.0, 4.5, &format!("mark f {class}"));
                format!(r#"<path class="line s {class}" d="M1 7H23"/>{mark}"#)
            }
            Self::Shape(glyph) => mark(glyph, 12.0, 7.0, 5.0, "plain"),
            Self::Dots(class) => format!(r#"<path class="dots s {class}" d="M5 8h0M12 5h0M19 9h0"/>"#),
            Self::Crosses(class) => {
                format!(r#"<path class="crosses s {class}" d="{}{}"/>"#, cross(7.0, 7.0), cross(17.0, 7.0))
            }
            Self::Mean => mark(Glyph::Diamond, 12.0, 7.0, 5.2, "plain"),
            Self::Decision => r#"<path class="decision" d="M1 7H23"/>"#.to_owned(),
            Self::Limit => {
                r#"<path class="contour" stroke-linecap="round" stroke-dasharray="2 5" d="M2 7H22"/>"#.to_owned()
            }
            Self::Line => r#"<path class="contour" d="M1 7H23"/>"#.to_owned(),
        }
    }
}

impl Key {
    pub(crate) fn new(symbol: Symbol, label: impl Into<String>) -> Self {
        Self {
            symbol,
            label: label.into(),
        }
    }

    fn html(&self) -> String {
        format!(
            r#"<li><svg class="chart" width="24" height="14" viewBox="0 0 24 14" aria-hidden="true">{}</svg>{}</li>"#,
            self.symbol.svg(),
            escape(&self.label)
        )
    }
}

/// The strokes of a small cross, as path data.
pub(crate) fn cross(x: f64, y: f64) -> String {
    format!("M{:.1} {:.1}l5 5m0-5l-5 5", x - 2.5, y - 2.5)
}

impl Figure {
    /// A figure without text and panels.
    pub(crate) fn new(name: &str, heading: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            heading,
            ..Self::default()
        }
    }

    /// The figure as part of the page, with its number.
    pub(crate) fn html(&self, number: usize) -> String {
        let pictures = self.groups.iter().map(|group| group.pictures.len());
        // The text of a figure with a single panel is placed next to the panel.
        let solo = when(pictures.sum::<usize>() == 1, r#" class="solo""#);
        let (name, heading) = (&self.name, escape(self.heading));
        let mut html = format!(
            r#"<figure id="{name}"{solo}><h3><span class="label">Figure {number}</span> {heading}</h3>"#
        );
        if !self.legend.is_empty() {
            let keys: String = self.legend.iter().map(Key::html).collect();
            html += &format!(r#"<ul class="legend">{keys}</ul>"#);
        }
        html += r#"<div class="groups">"#;
        for (index, group) in self.groups.iter().enumerate() {
            html += &group.html(self.side_by_side, &format!("{name}-{index}"));
        }
        html += &format!(
            r#"</div><figcaption><p>{}</p><div><p class="how">{}</p><p class="files">For print: <a href="figures/{name}.svg">SVG</a>, <a href="figures/{name}.png">PNG</a></p></div></figcaption></figure>"#,
            escape(&self.caption),
            escape(&self.reading),
        );
        html + "\n"
    }

    /// The figure as an SVG file that follows the reader's light or dark theme.
    pub(crate) fn svg(&self) -> String {
        self.styled_svg(&style())
    }

    /// The figure as an SVG file with the given style sheet.
    pub(super) fn styled_svg(&self, style: &str) -> String {
        const MARGIN: f64 = 12.0;
        const WIDEST: f64 = 1180.0;
        let sizes: Vec<(f64, f64)> = self.groups.iter().map(Group::size).collect();
        let mut body = String::new();
        // Groups flow from left to right and wrap.
        let (mut x, mut y, mut row, mut width) = (MARGIN, 0.0, 0.0_f64, 0.0_f64);
        let mut places = Vec::new();
        for &(w, h) in &sizes {
            if x > MARGIN && x + w > WIDEST {
                (x, y, row) = (MARGIN, y + row + MARGIN, 0.0);
            }
            places.push((x, y));
            width = width.max(x + w + MARGIN);
            row = row.max(h);
            x += w + MARGIN;
        }
        let (legend, legend_height) = self.legend_svg(width - 2.0 * MARGIN);
        let top = MARGIN + legend_height;
        for (g, (group, (x, y))) in self.groups.iter().zip(places).enumerate() {
            let title = if let Some(title) = &group.title {
                body += &format!(
                    r#"<text class="head" x="{x}" y="{:.1}">{}</text>"#,
                    top + y + 16.0,
                    escape(title)
                );
                Group::TITLE
            } else {
                0.0
            };
            for (p, picture) in group.pictures.iter().enumerate() {
                let (column, line) = ((p % group.columns) as f64, (p / group.columns) as f64);
                let place = format!(
                    r#"x="{:.1}" y="{:.1}" width="{}" height="{}""#,
                    x + column * picture.width,
                    top + y + title + line * picture.height,
                    picture.width,
                    picture.height
                );
                body += &picture.tag(&format!("{}-{g}-{p}", self.name), &place);
                body.push('\n');
            }
        }
        let height = top + y + row + MARGIN;
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="chart" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}" role="img" aria-labelledby="{name}-t {name}-d"><title id="{name}-t">{}</title><desc id="{name}-d">{}</desc><style>{style}</style><rect width="100%" height="100%" rx="6" style="fill:var(--paper)"/>{legend}{body}</svg>
"#,
            escape(self.heading),
            escape(&self.caption),
            name = self.name
        )
    }

    /// The legend wrapped at a width, and its height.
    fn legend_svg(&self, width: f64) -> (String, f64) {
        const LINE: f64 = 22.0;
        let mut svg = String::new();
        let (mut x, mut y) = (12.0, 10.0);
        for key in &self.legend {
            let needed = 30.0 + 6.6 * key.label.chars().count() as f64 + 16.0;
            if x > 12.0 && x + needed > width + 12.0 {
                (x, y) = (12.0, y + LINE);
            }
            svg += &format!(
                r#"<g transform="translate({x:.1} {y:.1})">{}<text x="30" y="11">{}</text></g>"#,
                key.symbol.svg(),
                escape(&key.label)
            );
            x += needed;
        }
        let empty = self.legend.is_empty();
        (svg, if empty { 0.0 } else { y + LINE })
    }
}

impl Group {
    const TITLE: f64 = 26.0;

    pub(crate) fn untitled(columns: usize, pictures: Vec<Picture>) -> Self {
        Self {
            title: None,
            columns,
            pictures,
        }
    }

    pub(crate) fn titled(title: impl ToString, columns: usize, pictures: Vec<Picture>) -> Self {
        Self {
            title: Some(title.to_string()),
            columns,
            pictures,
        }
    }

    /// Panels in columns, which wrap on a narrow screen unless `side_by_side` is set.
    fn html(&self, side_by_side: bool, id: &str) -> String {
        let width = self.widest();
        let fixed = when(side_by_side, " fixed");
        let title = self.title.as_deref().map(escape);
        let title = title.map_or_else(String::new, |title| format!("<h4>{title}</h4>"));
        let mut pictures = String::new();
        for (index, picture) in self.pictures.iter().enumerate() {
            pictures += &picture.tag(&format!("{id}-{index}"), "");
        }
        format!(
            r#"<div class="group{fixed}">{title}<div class="panels" style="--columns:{};--panel:{width}px">{pictures}</div></div>"#,
            self.columns
        )
    }

    fn widest(&self) -> f64 {
        self.pictures.iter().map(|p| p.width).fold(0.0, f64::max)
    }

    fn size(&self) -> (f64, f64) {
        let columns = self.columns.min(self.pictures.len());
        let lines = self.pictures.len().div_ceil(self.columns.max(1));
        let width = columns as f64 * self.widest();
        let height = self.pictures.iter().map(|p| p.height).fold(0.0, f64::max);
        let height = lines as f64 * height;
        match &self.title {
            None => (width, height),
            Some(title) => {
                let title_width = 8.4 * title.chars().count() as f64;
                (width.max(title_width), Self::TITLE + height)
            }
        }
    }
}

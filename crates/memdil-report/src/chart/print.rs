//! Figures as PNG, for slides and paper.

use std::fmt::Write;
use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};

use super::{Figure, STYLE};

/// Pixels of a picture for one of its units: 300 dots an inch at the size of a printed column.
const SCALE: f32 = 2.0;
/// The font that comes with the program, so that no machine draws a figure without its text.
const FONT: &str = "DejaVu Sans";

static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    fonts.load_font_data(dejavu::sans::bold().to_vec());
    Arc::new(fonts)
});

impl Figure {
    /// The figure in light colours; why not, where it cannot be drawn.
    pub(crate) fn png(&self) -> Result<Vec<u8>, String> {
        let options = Options {
            font_family: FONT.to_owned(),
            fontdb: FONTS.clone(),
            ..Options::default()
        };
        let tree = Tree::from_str(&plain(&self.svg()), &options).map_err(|e| e.to_string())?;
        let size = tree
            .size()
            .to_int_size()
            .scale_by(SCALE)
            .ok_or("it has no size")?;
        let mut pixels = Pixmap::new(size.width(), size.height()).ok_or("it is too large")?;
        resvg::render(
            &tree,
            Transform::from_scale(SCALE, SCALE),
            &mut pixels.as_mut(),
        );
        pixels.encode_png().map_err(|e| e.to_string())
    }
}

/// The same SVG without what only browsers know: variables in its style, dark mode, fonts of the
/// system.
fn plain(svg: &str) -> String {
    let light = STYLE.split('}').next().unwrap_or_default();
    let colours: Vec<(&str, &str)> = light
        .split(['{', ';'])
        .filter_map(|part| part.trim().strip_prefix("--")?.split_once(':'))
        .map(|(name, value)| (name, value.trim()))
        .collect();
    let mut style = String::new();
    for rule in STYLE
        .split('}')
        .filter(|rule| rule.trim_start().starts_with(".chart"))
    {
        let Some((selector, body)) = rule.trim().split_once('{') else {
            continue;
        };
        match colours
            .iter()
            .find(|(name, _)| body.trim() == format!("--c: var(--{name});"))
        {
            Some((_, colour)) => {
                let class = selector.trim_start_matches(".chart").trim();
                _ = write!(
                    style,
                    "{class}.f {{ fill: {colour} }} {class}.s {{ stroke: {colour} }}"
                );
            }
            None if !body.contains("var(--c)") => _ = write!(style, "{selector} {{ {body} }}"),
            None => {}
        }
    }
    let resolve = |text: String| {
        colours.iter().fold(text, |text, (name, colour)| {
            text.replace(&format!("var(--{name})"), colour)
        })
    };
    let (before, rest) = svg.split_once("<style>").unwrap_or((svg, ""));
    let (_, after) = rest.split_once("</style>").unwrap_or(("", ""));
    let style = style.replace(
        "system-ui, -apple-system, \"Segoe UI\", Roboto, sans-serif",
        FONT,
    );
    resolve(format!("{before}<style>{style}</style>{after}"))
}

//! Renders figures as PNG, for slides and papers.

use std::error::Error;
use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};

use super::figure::Figure;
use super::palette::{light, rules};

/// Pixels per unit of a picture, which gives 300 dots per inch at the width of a printed column.
const SCALE: f32 = 2.0;
/// The embedded font, so that figures look the same on every machine.
const FONT: &str = "DejaVu Sans";

static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    fonts.load_font_data(dejavu::sans::bold().to_vec());
    Arc::new(fonts)
});

impl Figure {
    /// Renders the figure in light colours.
    pub(crate) fn png(&self) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
        let options = Options {
            font_family: FONT.to_owned(),
            fontdb: FONTS.clone(),
            ..Options::default()
        };
        let system = "system-ui, -apple-system, \"Segoe UI\", Roboto, sans-serif";
        let svg = light(&self.styled_svg(&rules().replace(system, FONT)));
        let tree = Tree::from_str(&svg, &options)?;
        let size = tree.size().to_int_size().scale_by(SCALE);
        let size = size.ok_or("the picture is empty")?;
        let mut pixels =
            Pixmap::new(size.width(), size.height()).ok_or("the picture is too large")?;
        resvg::render(
            &tree,
            Transform::from_scale(SCALE, SCALE),
            &mut pixels.as_mut(),
        );
        Ok(pixels.encode_png()?)
    }
}

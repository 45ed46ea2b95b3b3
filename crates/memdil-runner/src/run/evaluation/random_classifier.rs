//! Baselines of collapse metrics: their values for random classifiers and class means, with which
//! the values of a trained network are compared.

use memdil_data::random::{ChaCha8Rng, unit_f64};
use memdil_metrics::{MetricsError, Moments, nc2_etf, nc2_orthogonal};
use ndarray::Array2;
use rand_chacha::rand_core::SeedableRng;

/// Number of random classifiers in an average.
const DRAWS: usize = 32;

/// Mean metrics of random classifiers of one shape.
pub(crate) struct RandomClassifier {
    pub(crate) nc2_etf: Result<f64, MetricsError>,
    /// For class means with the absolute values of the entries of the classifiers.
    pub(crate) nc2_orthogonal: Result<f64, MetricsError>,
    /// With the class means of the given moments.
    pub(crate) nc3: Result<f64, MetricsError>,
}

impl RandomClassifier {
    /// Uses classifiers (classes x features) with independent standard normal entries, which depend
    /// only on the shape. Only `nc3` needs the class means, and has their error if they are not
    /// defined.
    pub(crate) fn new(
        classes: usize,
        features: usize,
        moments: &Result<Moments, MetricsError>,
    ) -> Self {
        let mut rng = ChaCha8Rng::from_seed([11; 32]);
        let draw = |_| Array2::from_shape_simple_fn((classes, features), || normal(&mut rng));
        let drawn: Vec<Array2<f64>> = (0..DRAWS).map(draw).collect();
        let labels: Vec<u32> = (0..classes as u32).collect();
        Self {
            nc2_etf: average(&drawn, |w| nc2_etf(w.view())),
            nc2_orthogonal: average(&drawn, |w| {
                nc2_orthogonal(w.mapv(f64::abs).view(), &labels, classes)
            }),
            nc3: moments
                .as_ref()
                .map_err(MetricsError::clone)
                .and_then(|moments| average(&drawn, |w| moments.nc3(w.view()))),
        }
    }
}

fn average(
    drawn: &[Array2<f64>],
    metric: impl Fn(&Array2<f64>) -> Result<f64, MetricsError>,
) -> Result<f64, MetricsError> {
    let values = drawn.iter().map(metric).collect::<Result<Vec<f64>, _>>()?;
    Ok(values.iter().sum::<f64>() / DRAWS as f64)
}

/// A standard normal random number (Box and Muller 1958).
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    // Shifted by half a step of 2^-53, because the logarithm of zero is not finite.
    let mut uniform = || unit_f64(rng) + (-54.0_f64).exp2();
    (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn ten_random_classes_are_far_from_a_frame() {
        // Ten classes and 64 features are the shape of a VGG-11 with an eighth of its channels. An
        // independent simulation gave 0.483 with a standard deviation of 0.042.
        let features = Array2::from_shape_fn((20, 64), |(i, j)| f64::from(i % 10 == j % 10));
        let labels: Vec<u32> = (0..20).map(|i| i % 10).collect();
        let moments = Moments::of(features.view(), &labels, None, 10);
        let random = RandomClassifier::new(10, 64, &moments);
        let nc2 = random.nc2_etf.unwrap();
        assert!((0.4..0.6).contains(&nc2), "{nc2}");
        // The classifiers are uncorrelated with the means, so the product is as far from the frame
        // as a random matrix.
        let nc3 = random.nc3.unwrap();
        assert!((1.2..1.6).contains(&nc3), "{nc3}");
        assert!(random.nc2_orthogonal.unwrap() > nc2);
    }

    #[test]
    fn baselines_depend_only_on_the_shape() {
        let means = array![[1.0, 0.0], [0.0, 1.0]];
        let moments = Moments::of(means.view(), &[0_u32, 1], None, 2);
        let [a, b] = [0, 1].map(|_| RandomClassifier::new(2, 2, &moments).nc2_etf.unwrap());
        assert_eq!(a.to_bits(), b.to_bits());
    }

    #[test]
    fn only_nc3_needs_class_means() {
        let means = array![[1.0, 0.0], [0.0, 1.0]];
        let whole = Moments::of(means.view(), &[0_u32, 1], None, 2);
        let lacking = Moments::of(means.view(), &[0_u32, 0], None, 2);
        let [whole, lacking] = [whole, lacking].map(|m| RandomClassifier::new(2, 2, &m));
        assert_eq!(lacking.nc2_etf, whole.nc2_etf);
        assert_eq!(lacking.nc2_orthogonal, whole.nc2_orthogonal);
        let (class, classes) = (1, 2);
        assert_eq!(
            lacking.nc3,
            Err(MetricsError::EmptyClass { class, classes })
        );
    }
}

//! Operations and bytes by layer. A fused multiply-add counts as two operations.

use memdil_kernels::Convolution;

use crate::{LAYERS, layer};

/// The operations of the one-dimensional transforms of an algorithm F(m, 3).
struct Transforms {
    results: usize,
    values: usize,
    products: usize,
    gradients: usize,
    weights: usize,
    sums: usize,
}

/// F(2, 3) with the points 0, 1, -1 and infinity.
const F2: Transforms = Transforms {
    results: 2,
    values: 4,
    products: 4,
    gradients: 2,
    weights: 5,
    sums: 6,
};
/// F(4, 3) with the points 0, 5/8, -5/8, 3/2, -3/2 and infinity, as implemented.
const F4: Transforms = Transforms {
    results: 4,
    values: 24,
    products: 16,
    gradients: 16,
    weights: 15,
    sums: 16,
};

/// Operations of the three passes, and bytes of transformed weights.
struct Cost {
    passes: [f64; 3],
    transforms: f64,
    weight_bytes: f64,
}

pub(crate) fn run() {
    println!(
        "| inputs | outputs | image | ResNet-18 | VGG-11 | direct | F(2x2) | transforms | F(4x4) | transforms | weights F(4x4) | images and results |"
    );
    println!(
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    );
    let mut totals = [[0.0; 3]; 2];
    for (inputs, outputs, size, times) in LAYERS {
        let sizes = layer(inputs, outputs, size);
        let costs = [direct(&sizes), winograd(&sizes, &F2), winograd(&sizes, &F4)];
        let [direct, two, four] = costs.each_ref().map(|cost| cost.passes.iter().sum::<f64>());
        for (total, times) in totals.iter_mut().zip(times) {
            for (total, cost) in total.iter_mut().zip([direct, two, four]) {
                *total += times as f64 * cost;
            }
        }
        let moved = 4 * sizes.images * size * size * (inputs + outputs);
        println!(
            "| {inputs} | {outputs} | {size}x{size} | {} | {} | {} | {} | {} | {} | {} | {:.1} MB | {:.1} MB |",
            times[0],
            times[1],
            giga(direct),
            giga(two),
            giga(costs[1].transforms),
            giga(four),
            giga(costs[2].transforms),
            costs[2].weight_bytes / 1e6,
            moved as f64 / 1e6,
        );
    }
    for (name, [direct, two, four]) in ["ResNet-18", "VGG-11"].into_iter().zip(totals) {
        println!(
            "{name}: direct {}, F(2x2) {}, F(4x4) {}",
            giga(direct),
            giga(two),
            giga(four)
        );
    }
}

fn giga(operations: f64) -> String {
    format!("{:.2} G", operations / 1e9)
}

/// The direct sum, without the taps on the padding. The images of the first layer need no gradient.
fn direct(sizes: &Convolution) -> Cost {
    let taps = |size: usize| 3 * size - 2;
    let pass =
        2 * sizes.images * taps(sizes.height) * taps(sizes.width) * sizes.inputs * sizes.outputs;
    let gradient = if sizes.inputs == 3 { 0.0 } else { pass as f64 };
    Cost {
        passes: [pass as f64, gradient, pass as f64],
        transforms: 0.0,
        weight_bytes: 0.0,
    }
}

fn winograd(sizes: &Convolution, f: &Transforms) -> Cost {
    let (results, values) = (f.results, f.results + 2);
    let tiles =
        (sizes.images * sizes.height.div_ceil(results) * sizes.width.div_ceil(results)) as f64;
    let (inputs, outputs) = (sizes.inputs as f64, sizes.outputs as f64);
    let positions = (values * values) as f64;
    let products = 2.0 * positions * tiles * inputs * outputs;
    // A transform is applied to the columns, then to the rows.
    let both = |operations: usize, from: usize, to: usize| (operations * (from + to)) as f64;
    let of_values = both(f.values, values, values) * tiles;
    let of_products = both(f.products, values, results) * tiles;
    let of_gradients = both(f.gradients, results, values) * tiles;
    let of_weights = both(f.weights, 3, values) * inputs * outputs;
    let of_sums = both(f.sums, values, 3) * inputs * outputs;
    let mut transforms = [
        of_values * inputs + of_weights + of_products * outputs,
        of_values * outputs + of_weights + of_products * inputs,
        of_values * inputs + of_gradients * outputs + of_sums,
    ];
    let mut passes = transforms.map(|transforms| products + transforms);
    if sizes.inputs == 3 {
        (passes[1], transforms[1]) = (0.0, 0.0);
    }
    Cost {
        passes,
        transforms: transforms.iter().sum(),
        weight_bytes: 4.0 * positions * inputs * outputs,
    }
}

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]
use memdil_theory::*;
use memdil_theory::memorization_dilation::*;
use std::time::Instant;
fn main() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/theory.json")).unwrap();
    let g: serde_json::Value = serde_json::from_str(&text).unwrap();
    for case in g["md"].as_array().unwrap() {
        let f = |k: &str| case[k].as_f64().unwrap();
        let loss = MarginLoss::new(serde_json::from_value(case["loss"].clone()).unwrap(), f("alpha")).unwrap();
        let s = MdSetting { lambda_w: f("lambda_w"), lambda_h: f("lambda_h"), eta: f("eta"), c_md: f("c_md"),
            measure: serde_json::from_value(case["measure"].clone()).unwrap(), dim: f("dim") as usize, nonnegative: case["nonnegative"].as_bool().unwrap() };
        let _ = solve(&s, &loss).unwrap();
        let t = Instant::now();
        let o = solve(&s, &loss).unwrap();
        let el = t.elapsed();
        let r = o.solution().unwrap();
        println!("{:?} {:e} {} rho {:.6} risk err {:.1e} rho err {:.1e} rad {:.1e} sep {:.1e} ln {:.1e} stat {:.1e} it {} {:?}", loss.kind(), s.lambda_w, s.eta, r.rho, r.risk/f("risk")-1.0, r.rho/f("rho")-1.0, r.radius/f("radius")-1.0, r.separation/f("separation")-1.0, r.logit_noisy/f("logit_noisy")-1.0, r.stationarity, r.iterations, el);
    }
}

//! Bad input is found before a sweep begins.

use memdil_records::RunSpec;

use crate::device::open_device;
use crate::error::RunnerError;
use crate::network::candle;
use crate::prepare::Prepared;
use crate::run::options::RunOptions;

/// Tries the device and every data set with its batches once, so that bad input ends the sweep
/// before it begins.
pub(crate) fn check_inputs<'a>(
    specs: impl Iterator<Item = &'a RunSpec>,
    options: &RunOptions,
) -> Result<(), RunnerError> {
    open_device(&options.device)?;
    let mut checked = Vec::new();
    for spec in specs {
        let settings = (&spec.data, spec.training.batch_size, &spec.model);
        if !checked.contains(&settings) {
            let data = Prepared::new(spec, &options.data_dirs)?;
            candle::check(spec, data.train_inputs.shape())?;
            checked.push(settings);
        }
    }
    Ok(())
}

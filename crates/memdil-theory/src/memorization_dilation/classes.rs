//! N classes.
use crate::{MdSetting,TheoryError,Measure};
pub(crate) fn only_sphere(setting:&MdSetting)->Result<(),TheoryError>{ if setting.measure==Measure::Sphere {Ok(())} else {Err(TheoryError::Unsupported{what:"a measure other than the sphere for N classes",advice:"use sphere"})}}

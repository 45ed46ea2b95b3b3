//! Finding the files of a data set on disk.

mod cifar;
mod find;
mod layout;
mod roots;
mod spelling;

pub use crate::readers::cifar::{CIFAR_10, CIFAR_100};
pub(crate) use find::searched;
pub use find::{find, folders};
pub use layout::{CIFAR_10_PYTHON, CIFAR_100_PYTHON, IDX, SVHN};
pub(crate) use roots::roots;
pub(crate) use spelling::spelled;

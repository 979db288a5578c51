//! One module per command: from the arguments to the library and to what is shown.

pub(crate) mod check;
pub(crate) mod freeze;
pub(crate) mod heal;
pub(crate) mod new;

//! Pure values: what an environment, its files and its distributions are. Nothing here touches the machine.

pub mod caller;
pub mod facts;
pub mod interrupt;
pub mod owner;
pub mod prefix;
pub mod scheme;
pub mod tree;

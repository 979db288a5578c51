//! Pure values: what an environment, its files and its distributions are. Nothing here touches the machine.

pub mod activation_edits;
pub mod caller;
pub mod direct_url;
pub mod dist_name;
pub mod distribution;
pub mod entry_points;
pub mod facts;
pub mod git_config;
pub mod headers;
pub mod index_settings;
pub mod interpreter;
pub mod interrupt;
pub mod metadata;
pub mod name;
pub mod owner;
pub mod prefix;
pub mod python_version;
pub mod pyvenv_cfg;
pub mod record;
pub mod requirements;
pub mod requirements_file;
pub mod scheme;
pub mod shebang;
pub mod siblings;
pub mod tree;
pub mod wheel;

//! Where a file of the old environment belongs in the new one: at the same place, unless the interpreter is of
//! another version and its library directory has another name.

use std::path::{Path, PathBuf};

use super::Order;
use crate::model::facts::Kind;
use crate::model::scheme::Scheme;
use crate::model::tree::Tree;

/// Directories whose names hold the version of Python, old and new. The first that fits counts.
pub(super) struct Mapping {
    moved: Vec<(PathBuf, PathBuf)>,
    /// Where distributions without native code go.
    pub(super) purelib: PathBuf,
    /// Where the others go.
    pub(super) platlib: PathBuf,
}

impl Mapping {
    pub(super) fn new(order: &Order<'_>) -> Self {
        let scheme = &order.plan.base.scheme;
        // The stage's `lib64` is a link to `lib` where the skeleton made one; nothing is written through it.
        let has_link = fs_has_link(order, "lib64");
        let settled = |path: &Path| match path.strip_prefix("lib64") {
            Ok(rest) if has_link => Path::new("lib").join(rest),
            _ => path.to_owned(),
        };
        let (purelib, platlib) = (settled(&scheme.purelib), settled(&scheme.platlib));
        let mut moved: Vec<(PathBuf, PathBuf)> =
            order.old.sites.iter().map(|site| (site.path.clone(), purelib.clone())).collect();
        moved.extend(headers(order, scheme));
        if has_link {
            moved.push((PathBuf::from("lib64"), PathBuf::from("lib")));
        }
        Self { moved, purelib, platlib }
    }

    /// The new place of a file of a distribution whose site directory was `old_site` and is `new_site` now.
    pub(super) fn new_place(&self, path: &Path, (old_site, new_site): (&Path, &Path)) -> PathBuf {
        if let Ok(rest) = path.strip_prefix(old_site) {
            return new_site.join(rest);
        }
        let moved = self.moved.iter().find_map(|(from, to)| Some(to.join(path.strip_prefix(from).ok()?)));
        moved.unwrap_or_else(|| path.to_owned())
    }
}

fn fs_has_link(order: &Order<'_>, name: &str) -> bool {
    crate::host::fs::lstat(&order.stage.join(name)).is_ok_and(|facts| facts.kind == Kind::Link)
}

/// `include/site/python3.11`, where pip puts headers.
fn headers(order: &Order<'_>, scheme: &Scheme) -> Vec<(PathBuf, PathBuf)> {
    let (tree, site) = (&order.old.tree, Path::new("include/site"));
    let Some(directory) = tree.find(site).filter(|&id| id != Tree::ROOT) else { return Vec::new() };
    tree.children(directory).map(|id| (site.join(tree.name(id)), scheme.include.clone())).collect()
}

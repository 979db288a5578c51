//! File systems that hold no files of anybody's.

use super::fs::Directory;

/// Whether a directory lies on a file system that the kernel makes up (`/proc`, `/sys` and their kin), or on one whose
/// directories come into being when they are looked at (autofs). The numbers are those of `linux/magic.h`.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn is_pseudo(directory: &Directory) -> bool {
    const PSEUDO: [i64; 22] = [
        0x9fa0,      // proc
        0x6265_6572, // sysfs
        0x1cd1,      // devpts
        0x0027_e0eb, // cgroup
        0x6367_7270, // cgroup2
        0x6462_6720, // debugfs
        0x7472_6163, // tracefs
        0x7363_6673, // securityfs
        0x6265_6570, // configfs
        0xcafe_4a11, // bpf
        0x6165_676c, // pstore
        0x1980_0202, // mqueue
        0x9584_58f6, // hugetlbfs
        0x4249_4e4d, // binfmt_misc
        0x0187,      // autofs
        0x6759_6969, // rpc_pipefs
        0xde5e_81e4, // efivarfs
        0x6e73_6673, // nsfs
        0x6573_5543, // fusectl
        0xf97c_ff8c, // selinux
        0x4341_5d53, // smack
        0x6c6f_6f70, // binder
    ];
    // The width of the number differs between processors.
    #[expect(clippy::useless_conversion, reason = "see above")]
    rustix::fs::fstatfs(&directory.fd).is_ok_and(|told| PSEUDO.contains(&i64::from(told.f_type)))
}

/// On macOS `statfs(2)` names the type (`devfs`, `autofs`) in `f_fstypename`; both are mounts of their own in places
/// where nobody keeps projects, and are not told apart yet.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn is_pseudo(_directory: &Directory) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Directory, is_pseudo};

    #[test]
    #[cfg(target_os = "linux")]
    fn proc_is_made_up_and_a_directory_of_ours_is_not() {
        assert!(is_pseudo(&Directory::open(Path::new("/proc")).unwrap()));
        let ground = tempfile::tempdir().unwrap();
        assert!(!is_pseudo(&Directory::open(ground.path()).unwrap()));
    }
}

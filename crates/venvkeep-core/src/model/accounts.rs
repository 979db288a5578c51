//! Which groups are nobody's but the viewer's and root's, by the tables of accounts.
//!
//! Debian gives `/usr/local` to the group `staff`, which has no members on most machines: what such a group may write,
//! nobody else can. That can only be said where the tables name every account there is.

use std::path::PathBuf;

/// The texts of the tables: passwd(5), group(5) and nsswitch.conf(5).
#[derive(Debug, Clone, Default)]
pub struct Tables {
    /// `/etc/passwd`.
    pub passwd: String,
    /// `/etc/group`.
    pub group: String,
    /// `/etc/nsswitch.conf`; `None` where there is none, which means the two files and nothing else.
    pub sources: Option<String>,
}

impl Tables {
    /// The groups that have no member but root and the user: by name in the group's line, or as the primary group of an
    /// account. None where accounts may come from elsewhere (LDAP and its kin).
    pub fn lone_groups(&self, uid: u32) -> Vec<u32> {
        if !self.are_all() {
            return Vec::new();
        }
        let accounts: Vec<Account<'_>> = self.passwd.lines().filter_map(Account::parse).collect();
        let is_harmless = |account: &Account<'_>| account.uid == 0 || account.uid == uid;
        let lone = |line: &str| {
            let mut fields = line.split(':').skip(2);
            let gid: u32 = fields.next()?.trim().parse().ok()?;
            let members = fields.next()?.split(',').map(str::trim).filter(|name| !name.is_empty());
            // A member without an account may get one.
            let is_alone = members.into_iter().all(|name| {
                let mut named = accounts.iter().filter(|account| account.name == name).peekable();
                named.peek().is_some() && named.all(is_harmless)
            });
            let is_nobodys = accounts.iter().filter(|account| account.gid == gid).all(is_harmless);
            Some((gid, is_alone && is_nobodys))
        };
        let groups: Vec<(u32, bool)> = self.group.lines().filter_map(lone).collect();
        // Two groups of one number are one group.
        let is_lone = |gid: u32| groups.iter().filter(|(other, _)| *other == gid).all(|(_, lone)| *lone);
        groups.iter().map(|(gid, _)| *gid).filter(|&gid| is_lone(gid)).collect()
    }

    /// The accounts that have a home of their own.
    pub fn homes(&self) -> Vec<Home> {
        let groups = |name: &str, primary: u32| {
            let member = |line: &str| {
                let mut fields = line.split(':').skip(2);
                let gid: u32 = fields.next()?.trim().parse().ok()?;
                fields.next()?.split(',').any(|one| one.trim() == name).then_some(gid)
            };
            let others = self.group.lines().filter_map(member).filter(|gid| *gid != primary);
            std::iter::once(primary).chain(others).collect()
        };
        let accounts = self.passwd.lines().filter_map(|line| {
            let account = Account::parse(line)?;
            let home = line.split(':').nth(5).filter(|home| home.starts_with('/'))?;
            Some((account, home))
        });
        accounts
            .map(|(account, home)| Home {
                name: account.name.to_owned(),
                uid: account.uid,
                groups: groups(account.name, account.gid),
                path: PathBuf::from(home),
            })
            .collect()
    }

    /// Whether every account stands in the two files.
    fn are_all(&self) -> bool {
        const IN_FULL: [&str; 2] = ["files", "systemd"];
        let sources = self.sources.as_deref().unwrap_or_default();
        let lines = sources.lines().map(|line| line.split('#').next().unwrap_or_default());
        let by_files = lines.filter_map(|line| line.split_once(':')).all(|(table, sources)| {
            let is_ours = ["passwd", "group", "initgroups"].contains(&table.trim());
            // `[SUCCESS=merge]` and the like are no sources.
            let mut named = sources.split_whitespace().filter(|word| !word.starts_with('['));
            !is_ours || named.all(|source| IN_FULL.contains(&source))
        });
        // `+` brings in accounts from NIS.
        let adds = |table: &str| table.lines().any(|line| line.starts_with('+'));
        by_files && !adds(&self.passwd) && !adds(&self.group)
    }
}

/// An account and its home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// The account's name.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// Its groups' numbers, the primary one first.
    pub groups: Vec<u32>,
    /// The home directory that the table gives it, whether or not that is there.
    pub path: PathBuf,
}

struct Account<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
}

impl<'a> Account<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let mut numbers = fields.skip(1).map(|field| field.trim().parse().ok());
        Some(Self { name, uid: numbers.next()??, gid: numbers.next()?? })
    }
}

#[cfg(test)]
mod tests {
    use super::Tables;

    fn tables() -> Tables {
        Tables {
            passwd: "root:x:0:0:root:/root:/bin/sh\nana:x:1000:1000::/home/ana:/bin/sh\n\
                     bob:x:1001:20::/home/bob:/bin/sh\n"
                .to_owned(),
            group: "root:x:0:\nstaff:x:50:\nadm:x:4:root\ndialout:x:20:\nana:x:1000:ana\nsudo:x:27:ana,bob\n\
                    gone:x:60:nobody-of-that-name\n"
                .to_owned(),
            sources: Some(
                "passwd: files systemd\ngroup: files [SUCCESS=merge] systemd # x\nhosts: dns\n".to_owned(),
            ),
        }
    }

    #[test]
    fn a_group_is_lone_without_members_and_without_accounts_in_it() {
        assert_eq!(tables().lone_groups(1000), [0, 50, 4, 1000]);
        assert_eq!(tables().lone_groups(1001), [0, 50, 4, 20], "ana's own is not bob's");
    }

    #[test]
    fn homes_come_with_their_accounts_groups() {
        let homes = tables().homes();
        let told: Vec<_> = homes.iter().map(|home| (home.name.as_str(), home.groups.as_slice())).collect();
        assert_eq!(told, [("root", &[0, 4][..]), ("ana", &[1000, 27]), ("bob", &[20, 27])]);
        assert_eq!(homes[1].path, std::path::Path::new("/home/ana"));
    }

    #[test]
    fn one_member_is_enough() {
        let mut with_bob = tables();
        with_bob.group = with_bob.group.replace("staff:x:50:", "staff:x:50:bob");
        assert!(!with_bob.lone_groups(1000).contains(&50));
        let mut twice = tables();
        twice.group.push_str("staff2:x:50:bob\n");
        assert!(!twice.lone_groups(1000).contains(&50));
        let mut primary = tables();
        primary.passwd.push_str("eve:x:1002:50::/:/bin/sh\n");
        assert!(!primary.lone_groups(1000).contains(&50));
    }

    #[test]
    fn nothing_is_said_where_accounts_come_from_elsewhere() {
        for sources in
            ["passwd: files sss\n", "group: files ldap\n", "initgroups: files winbind\n", "passwd: compat\n"]
        {
            let elsewhere = Tables { sources: Some(sources.to_owned()), ..tables() };
            assert!(elsewhere.lone_groups(1000).is_empty(), "{sources}");
        }
        let nis = Tables { group: tables().group + "+::\n", ..tables() };
        assert!(nis.lone_groups(1000).is_empty());
        assert_eq!(Tables { sources: None, ..tables() }.lone_groups(1000), [0, 50, 4, 1000]);
    }
}

//! Files that hold secrets.

use std::{
    fs::Metadata,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
};

/// Whether others than those whom it is for can read a file: its owner alone; or,
/// if it belongs to root, a group that it was given to, as orchestrators hand
/// secrets to processes that are not root.
#[must_use]
pub fn is_exposed(file: &Metadata) -> bool {
    exposed(file.permissions().mode(), file.uid(), file.gid())
}

const fn exposed(mode: u32, owner: u32, group: u32) -> bool {
    let handed_over = owner == 0 && group != 0;
    let others = if handed_over { 0o037 } else { 0o077 };
    mode & others != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_for_its_owner_or_for_the_group_that_root_gave_it_to() {
        for (mode, owner, group, expected) in [
            (0o100_600, 1000, 1000, false),
            (0o100_400, 1000, 1000, false),
            (0o100_400, 0, 0, false),
            (0o100_440, 0, 65_532, false),
            (0o100_640, 0, 65_532, false),
            (0o100_640, 1000, 1000, true),
            (0o100_640, 0, 0, true),
            (0o100_660, 0, 65_532, true),
            (0o100_444, 0, 65_532, true),
            (0o100_604, 1000, 1000, true),
        ] {
            assert_eq!(exposed(mode, owner, group), expected, "{mode:o} {owner} {group}");
        }
    }
}

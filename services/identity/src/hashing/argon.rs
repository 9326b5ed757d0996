//! Argon2id, over memory that is used again.

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{
        self,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};

use super::{HashError, workspace::Workspace};

const OUTPUT_LENGTH: usize = 32;

/// The most memory that a stored hash may ask for, in KiB: what settings allow.
/// More is damage, or an attack by whoever could write it there.
const MOST_MEMORY_KIB: u32 = 1_048_576;

/// The most passes that a stored hash may ask for: what settings allow.
const MOST_ITERATIONS: u32 = 100;

/// The least memory of a hash, in KiB.
const LEAST_MEMORY_KIB: u64 = 8;

/// What a hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashParams {
    /// The memory, in KiB.
    pub memory_kib: u32,
    /// How often the memory is gone over.
    pub iterations: u32,
    /// How many lanes the memory has.
    pub lanes: u32,
}

/// What checking a password has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whether it is the right one.
    pub matches: bool,
    /// Whether the stored hash costs something else than hashes cost now.
    pub outdated: bool,
}

impl HashParams {
    fn params(self) -> Result<Params, HashError> {
        Ok(Params::new(self.memory_kib, self.iterations, self.lanes, Some(OUTPUT_LENGTH))?)
    }

    /// Whether `stored` has cost something else. Less is too cheap; and more
    /// takes longer than an unknown user takes.
    fn differ(self, stored: &Params) -> bool {
        self.memory_kib != stored.m_cost() || self.iterations != stored.t_cost()
    }
}

/// How many blocks of 1 KiB a hash fills: what it costs.
fn work(params: &Params) -> u64 {
    params.block_count() as u64 * u64::from(params.t_cost())
}

/// Hashes a password; a PHC string.
pub fn hash(
    params: HashParams,
    password: &[u8],
    salt: &[u8; 16],
    workspace: &mut Workspace,
) -> Result<String, HashError> {
    let params = params.params()?;
    let mut output = [0; OUTPUT_LENGTH];
    fill(&params, Version::default(), password, salt, &mut output, workspace)?;
    encode(&params, salt, &output)
}

/// The hash of no password: a PHC string of random bytes.
pub fn random_hash(
    params: HashParams,
    salt: &[u8; 16],
    output: &[u8; OUTPUT_LENGTH],
) -> Result<String, HashError> {
    encode(&params.params()?, salt, output)
}

/// Checks a password against a PHC string, at the cost that the string names,
/// or at what hashes cost now if that is more. Nothing is computed for a
/// string that cannot be used.
pub fn verify(
    now: HashParams,
    password: &[u8],
    stored: &str,
    workspace: &mut Workspace,
) -> Result<Verified, HashError> {
    let stored = PasswordHash::new(stored).map_err(password_hash::Error::from)?;
    let missing = HashError::Malformed(password_hash::Error::EncodingInvalid);
    let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else { return Err(missing) };
    if Algorithm::try_from(stored.algorithm.as_str())? != Algorithm::Argon2id {
        return Err(missing);
    }
    let version = stored.version.map(Version::try_from).transpose()?.unwrap_or_default();
    let params = Params::try_from(&stored)?;
    if params.m_cost() > MOST_MEMORY_KIB || params.t_cost() > MOST_ITERATIONS {
        return Err(missing);
    }
    let mut output = [0; Output::MAX_LENGTH];
    let output = output.get_mut(..expected.len()).ok_or(missing)?;
    fill(&params, version, password, salt.as_ref(), output, workspace)?;
    // This comparison takes the same time wherever the two differ.
    let matches = Output::new(output).map_err(password_hash::Error::from)? == *expected;
    top_up(&now.params()?, work(&params), workspace)?;
    workspace.trim(now.params()?.block_count());
    Ok(Verified { matches, outdated: now.differ(&params) })
}

/// Does what a hash under `now` does beyond the work that is `done`. The
/// memory is never larger than that of `now`; where it must be gone over more
/// often, it is smaller, so that the blocks are as many.
fn top_up(now: &Params, done: u64, workspace: &mut Workspace) -> Result<(), HashError> {
    let missing = work(now).saturating_sub(done);
    if missing < LEAST_MEMORY_KIB {
        return Ok(());
    }
    let passes = missing.div_ceil(now.block_count() as u64);
    let memory = (missing / passes).max(LEAST_MEMORY_KIB);
    let (memory, passes) =
        (u32::try_from(memory).unwrap_or(u32::MAX), u32::try_from(passes).unwrap_or(u32::MAX));
    let params = Params::new(memory, passes, 1, Some(OUTPUT_LENGTH))?;
    let mut output = [0; OUTPUT_LENGTH];
    fill(&params, Version::default(), &[], &[0; 16], &mut output, workspace)
}

fn fill(
    params: &Params,
    version: Version,
    password: &[u8],
    salt: &[u8],
    output: &mut [u8],
    workspace: &mut Workspace,
) -> Result<(), HashError> {
    // Fresh memory for every hash would cost as much as the hash itself, in
    // page faults.
    let blocks = workspace.blocks(params.block_count());
    let argon = Argon2::new(Algorithm::Argon2id, version, params.clone());
    argon.hash_password_into_with_memory(password, salt, output, blocks)?;
    workspace.note_filled(work(params));
    Ok(())
}

fn encode(
    params: &Params,
    salt: &[u8; 16],
    output: &[u8; OUTPUT_LENGTH],
) -> Result<String, HashError> {
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::default().into()),
        params: ParamsString::try_from(params)?,
        salt: Some(Salt::new(salt).map_err(password_hash::Error::from)?),
        hash: Some(Output::new(output).map_err(password_hash::Error::from)?),
    };
    Ok(hash.to_string())
}

impl From<password_hash::Error> for HashError {
    fn from(error: password_hash::Error) -> Self {
        Self::Malformed(error)
    }
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordHasher, PasswordVerifier};

    use super::*;

    const CHEAP: HashParams = HashParams { memory_kib: 8, iterations: 1, lanes: 1 };

    fn check(now: HashParams, password: &str, stored: &str) -> Verified {
        verify(now, password.as_bytes(), stored, &mut Workspace::default()).unwrap()
    }

    #[test]
    fn a_hash_fits_its_password_only() {
        let mut memory = Workspace::default();
        let stored = hash(CHEAP, b" pass\0word ", &[7; 16], &mut memory).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{stored}");
        assert!(check(CHEAP, " pass\0word ", &stored).matches);
        assert!(!check(CHEAP, "pass\0word ", &stored).matches);
        assert!(!check(CHEAP, "", &stored).matches);
    }

    #[test]
    fn the_library_itself_agrees() {
        let ours = hash(CHEAP, b"password", &[7; 16], &mut Workspace::default()).unwrap();
        let library = Argon2::new(
            Algorithm::Argon2id,
            Version::default(),
            Params::new(8, 1, 1, Some(OUTPUT_LENGTH)).unwrap(),
        );
        assert!(library.verify_password(b"password", ours.as_str()).is_ok());
        let theirs = library.hash_password_with_salt(b"password", &[9; 16]).unwrap().to_string();
        assert!(check(CHEAP, "password", &theirs).matches);
    }

    #[test]
    fn memory_of_an_earlier_hash_leaves_no_trace() {
        let mut used = Workspace::default();
        let larger = HashParams { memory_kib: 64, ..CHEAP };
        hash(larger, b"somebody else's", &[1; 16], &mut used).unwrap();
        let again = hash(CHEAP, b"password", &[7; 16], &mut used).unwrap();
        assert_eq!(again, hash(CHEAP, b"password", &[7; 16], &mut Workspace::default()).unwrap());
    }

    #[test]
    fn a_hash_of_another_cost_is_outdated() {
        let middling = HashParams { memory_kib: 16, iterations: 2, lanes: 1 };
        let stored = hash(middling, b"password", &[7; 16], &mut Workspace::default()).unwrap();
        assert!(!check(middling, "password", &stored).outdated);
        for other in [
            HashParams { memory_kib: 32, ..middling },
            HashParams { memory_kib: 8, ..middling },
            HashParams { iterations: 3, ..middling },
            HashParams { iterations: 1, ..middling },
        ] {
            let verified = check(other, "password", &stored);
            assert_eq!(verified, Verified { matches: true, outdated: true });
        }
    }

    #[test]
    fn a_cheaper_hash_is_topped_up_to_what_hashes_cost_now() {
        let now = HashParams { memory_kib: 64, iterations: 3, lanes: 2 };
        let mut workspace = Workspace::default();
        for cheaper in [
            CHEAP,
            HashParams { memory_kib: 16, iterations: 1, lanes: 1 },
            HashParams { memory_kib: 64, iterations: 2, lanes: 2 },
            HashParams { memory_kib: 32, iterations: 5, lanes: 4 },
            now,
        ] {
            let stored = hash(cheaper, b"password", &[7; 16], &mut workspace).unwrap();
            workspace.take_filled();
            verify(now, b"another", &stored, &mut workspace).unwrap();
            let filled = workspace.take_filled();
            // Memory comes in steps of four blocks for each pass.
            assert!((192 - 12..=192).contains(&filled), "{cheaper:?}: {filled}");
        }
    }

    #[test]
    fn memory_that_one_hash_needed_is_not_kept_for_the_others() {
        let mut workspace = Workspace::default();
        let larger = HashParams { memory_kib: 64, ..CHEAP };
        let imported = hash(larger, b"password", &[7; 16], &mut workspace).unwrap();
        assert_eq!(workspace.bytes(), 64 << 10);
        assert!(verify(CHEAP, b"password", &imported, &mut workspace).unwrap().matches);
        assert_eq!(workspace.bytes(), 0);
    }

    #[test]
    fn what_is_no_hash_is_noticed() {
        let filled = "c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g";
        let mut workspace = Workspace::default();
        for rubbish in [
            "",
            "password",
            "$argon2id$v=19$m=8,t=1,p=1",
            "$2b$12$KIXxPfnK3mJQk1uXqO2h8e1r0a4b5c6d7e8f9g0h1i2j3k4l5m6n7",
            &format!("$argon2i$v=19$m=8,t=1,p=1${filled}"),
            &format!("$argon2id$v=18$m=8,t=1,p=1${filled}"),
            "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g",
            &format!("$argon2id$v=19$m=4194304,t=1,p=1${filled}"),
            &format!("$argon2id$v=19$m=8,t=4000000,p=1${filled}"),
        ] {
            assert!(verify(CHEAP, b"password", rubbish, &mut workspace).is_err(), "{rubbish}");
        }
        assert_eq!(workspace.take_filled(), 0, "nothing is computed for it");
    }
}

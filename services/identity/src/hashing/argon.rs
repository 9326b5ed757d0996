//! Argon2id, over memory that is used again.

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{
        self,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};

use super::HashError;

const OUTPUT_LENGTH: usize = 32;

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
    /// Whether the stored hash costs less than hashes cost now.
    pub outdated: bool,
}

impl HashParams {
    fn params(self) -> Result<Params, HashError> {
        Ok(Params::new(self.memory_kib, self.iterations, self.lanes, Some(OUTPUT_LENGTH))?)
    }

    /// Whether `self` asks for more than `stored` has cost.
    fn exceed(self, stored: &Params) -> bool {
        self.memory_kib > stored.m_cost() || self.iterations > stored.t_cost()
    }
}

/// Hashes a password; a PHC string.
pub fn hash(
    params: HashParams,
    password: &[u8],
    salt: &[u8; 16],
    memory: &mut Vec<Block>,
) -> Result<String, HashError> {
    let params = params.params()?;
    let mut output = [0; OUTPUT_LENGTH];
    fill(&params, Version::default(), password, salt, &mut output, memory)?;
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

/// Checks a password against a PHC string, at the cost that the string names.
pub fn verify(
    now: HashParams,
    password: &[u8],
    stored: &str,
    memory: &mut Vec<Block>,
) -> Result<Verified, HashError> {
    let stored = PasswordHash::new(stored).map_err(password_hash::Error::from)?;
    let missing = HashError::Malformed(password_hash::Error::EncodingInvalid);
    let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else { return Err(missing) };
    if Algorithm::try_from(stored.algorithm.as_str())? != Algorithm::Argon2id {
        return Err(missing);
    }
    let version = stored.version.map(Version::try_from).transpose()?.unwrap_or_default();
    let params = Params::try_from(&stored)?;
    let mut output = [0; Output::MAX_LENGTH];
    let output = output.get_mut(..expected.len()).ok_or(missing)?;
    fill(&params, version, password, salt.as_ref(), output, memory)?;
    // This comparison takes the same time wherever the two differ.
    let matches = Output::new(output).map_err(password_hash::Error::from)? == *expected;
    Ok(Verified { matches, outdated: now.exceed(&params) })
}

fn fill(
    params: &Params,
    version: Version,
    password: &[u8],
    salt: &[u8],
    output: &mut [u8],
    memory: &mut Vec<Block>,
) -> Result<(), HashError> {
    // Fresh memory for every hash would cost as much as the hash itself, in
    // page faults.
    if memory.len() < params.block_count() {
        memory.resize(params.block_count(), Block::new());
    }
    let blocks = &mut memory[..params.block_count()];
    let argon = Argon2::new(Algorithm::Argon2id, version, params.clone());
    Ok(argon.hash_password_into_with_memory(password, salt, output, blocks)?)
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
        verify(now, password.as_bytes(), stored, &mut Vec::new()).unwrap()
    }

    #[test]
    fn a_hash_fits_its_password_only() {
        let mut memory = Vec::new();
        let stored = hash(CHEAP, b" pass\0word ", &[7; 16], &mut memory).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{stored}");
        assert!(check(CHEAP, " pass\0word ", &stored).matches);
        assert!(!check(CHEAP, "pass\0word ", &stored).matches);
        assert!(!check(CHEAP, "", &stored).matches);
    }

    #[test]
    fn the_library_itself_agrees() {
        let ours = hash(CHEAP, b"password", &[7; 16], &mut Vec::new()).unwrap();
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
        let mut used = Vec::new();
        let larger = HashParams { memory_kib: 64, ..CHEAP };
        hash(larger, b"somebody else's", &[1; 16], &mut used).unwrap();
        let again = hash(CHEAP, b"password", &[7; 16], &mut used).unwrap();
        assert_eq!(again, hash(CHEAP, b"password", &[7; 16], &mut Vec::new()).unwrap());
    }

    #[test]
    fn a_cheaper_hash_is_outdated() {
        let stored = hash(CHEAP, b"password", &[7; 16], &mut Vec::new()).unwrap();
        assert!(!check(CHEAP, "password", &stored).outdated);
        for dearer in
            [HashParams { memory_kib: 16, ..CHEAP }, HashParams { iterations: 2, ..CHEAP }]
        {
            let verified = check(dearer, "password", &stored);
            assert_eq!(verified, Verified { matches: true, outdated: true });
        }
    }

    #[test]
    fn what_is_no_hash_is_noticed() {
        for rubbish in ["", "password", "$argon2id$v=19$m=8,t=1,p=1", "$argon2i$v=19$m=8,t=1,p=1$"]
        {
            assert!(verify(CHEAP, b"password", rubbish, &mut Vec::new()).is_err(), "{rubbish}");
        }
    }
}

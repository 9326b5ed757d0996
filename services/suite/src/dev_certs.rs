//! `roster dev-certs`: an authority of one's own, for trying several processes
//! on one machine. Not for anything that matters: the authority's key lies
//! beside what it signs, and everybody's secrets with it.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

use anyhow::{Context as _, bail};
use chrono::{Datelike as _, TimeDelta};
use pasetors::{
    keys::{AsymmetricKeyPair, Generate as _},
    paserk::FormatAsPaserk,
    version4::V4,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use roster_identity::Registry;
use roster_kernel::{Env, ServiceName, Timestamp};
use roster_peers::TrustDomain;
use zeroize::Zeroizing;

use crate::Secrets;

/// Who gets a certificate: the services, and those who look after them.
const HOLDERS: [ServiceName; 5] = [
    ServiceName::from_static("gateway"),
    ServiceName::from_static("identity"),
    ServiceName::from_static("session"),
    ServiceName::from_static("persona"),
    ServiceName::from_static("operator"),
];

/// The file that is written last.
const LAST: &str = "secrets.toml";

/// How long the certificates are valid.
const VALID_FOR: TimeDelta = TimeDelta::days(365);

/// Makes it, with certificates for those who are `also` to have one. Where that
/// has been done before, only what these lack is made; or nothing, if `keep`
/// says so: for what is started again and again.
pub fn make_or_keep(folder: &Path, keep: bool, also: &[String], env: &Env) -> anyhow::Result<()> {
    let names = also.iter().map(|name| Ok(Registry::name(name)?));
    let also = names.collect::<anyhow::Result<Vec<_>>>()?;
    // What is written last: without it, it was not all.
    let made = folder.join(LAST).exists();
    if !made || (also.is_empty() && !keep) {
        make(folder, env)?;
    }
    for holder in also {
        if !folder.join(format!("{holder}.pem")).exists() {
            make_one_more(folder, &holder, env)?;
        }
    }
    Ok(())
}

/// Writes a certificate of the authority in `folder` for a service that is no
/// part of Roster.
pub fn make_one_more(folder: &Path, holder: &ServiceName, env: &Env) -> anyhow::Result<()> {
    let path = folder.join("ca.key.pem");
    let key =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let key = KeyPair::from_pem(&Zeroizing::new(key))?;
    let now = env.now();
    // Its name and key make an authority: those are always the same here.
    hand_out(folder, holder, &Issuer::new(authority(now)?, key), now)
}

fn hand_out(
    folder: &Path,
    holder: &ServiceName,
    authority: &Issuer<'_, KeyPair>,
    now: Timestamp,
) -> anyhow::Result<()> {
    let key = KeyPair::generate()?;
    let certificate = certificate(holder, now)?.signed_by(&key, authority)?;
    // The key first: what there is of a certificate is complete.
    write(folder, &format!("{holder}.key.pem"), &Zeroizing::new(key.serialize_pem()))?;
    write(folder, &format!("{holder}.pem"), &certificate.pem())
}

/// Writes an authority, a certificate for each service and one for operators,
/// a pair of keys for assertions, and the secrets that the services share into
/// `folder`, which has to be empty or not there at all.
pub fn make(folder: &Path, env: &Env) -> anyhow::Result<()> {
    prepare(folder)?;
    let now = env.now();
    let authority = CertifiedIssuer::self_signed(authority(now)?, KeyPair::generate()?)?;
    write(folder, "ca.pem", &authority.pem())?;
    write(folder, "ca.key.pem", &Zeroizing::new(authority.key().serialize_pem()))?;
    for holder in &HOLDERS {
        hand_out(folder, holder, &authority, now)?;
    }
    let pair = AsymmetricKeyPair::<V4>::generate()?;
    write(folder, "assertion.secret", &Zeroizing::new(paserk(&pair.secret)?))?;
    write(folder, "assertion.public", &paserk(&pair.public)?)?;
    Ok(Secrets::create(&folder.join(LAST), env)?)
}

/// Nothing is overwritten, and nothing is left half done beside what is there.
fn prepare(folder: &Path) -> anyhow::Result<()> {
    let named = || format!("cannot use {}", folder.display());
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(named)?;
    if fs::read_dir(folder).with_context(named)?.next().is_some() {
        bail!("{} is not empty: nothing in it is overwritten", folder.display());
    }
    Ok(())
}

fn write(folder: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let path = folder.join(name);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}

fn valid(params: &mut CertificateParams, now: Timestamp) {
    let day = |at: Timestamp| {
        let [month, day] = [at.month(), at.day()].map(|it| u8::try_from(it).unwrap_or(1));
        date_time_ymd(at.year(), month, day)
    };
    // Since yesterday: the clocks of two machines differ.
    params.not_before = day(now - TimeDelta::days(1));
    params.not_after = day(now + VALID_FOR);
}

fn authority(now: Timestamp) -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "Roster development authority");
    // It signs services, and no other authorities.
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid(&mut params, now);
    Ok(params)
}

fn certificate(holder: &ServiceName, now: Timestamp) -> anyhow::Result<CertificateParams> {
    let mut names = vec![holder.to_string()];
    if *holder == roster_peers::GATEWAY {
        // Clients of this machine can trust it, too.
        names.extend(["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()]);
    }
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, holder.as_str());
    let name = TrustDomain::default().id(holder);
    params.subject_alt_names.push(SanType::URI(name.as_str().try_into()?));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    valid(&mut params, now);
    Ok(params)
}

fn paserk(key: &impl FormatAsPaserk) -> anyhow::Result<String> {
    let mut text = String::new();
    key.fmt(&mut text)?;
    // One on each line: another one can be appended.
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use roster_peers::{
        Identity, IdentityConfig,
        assertion::{PublicKeys, SigningKey},
    };
    use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime, pem::PemObject as _};
    use webpki::KeyUsage;

    use super::*;

    #[test]
    fn every_file_is_of_use_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("certs");
        make(&folder, &Env::system()).unwrap();
        for holder in HOLDERS {
            let certificate = folder.join(format!("{holder}.pem"));
            let named = CertificateDer::from_pem_file(&certificate).unwrap();
            assert_eq!(TrustDomain::default().service(&named), Some(holder.clone()));
            let config = IdentityConfig {
                certificate,
                key: folder.join(format!("{holder}.key.pem")),
                authority: folder.join("ca.pem"),
                trust_domain: TrustDomain::default(),
            };
            Identity::load(&config).unwrap();
        }
        SigningKey::load(&folder.join("assertion.secret")).unwrap();
        let public = folder.join("assertion.public");
        PublicKeys::load(&public).unwrap();
        // Another key can be appended as it is.
        let twice = fs::read_to_string(&public).unwrap().repeat(2);
        fs::write(&public, twice).unwrap();
        PublicKeys::load(&public).unwrap();
        Secrets::load(&folder.join("secrets.toml"), &Env::system()).unwrap();
        let files: Vec<_> = fs::read_dir(&folder).unwrap().map(Result::unwrap).collect();
        assert_eq!(files.len(), 2 + 2 * HOLDERS.len() + 3);
        for file in files {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn what_is_there_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path(), &Env::system()).unwrap();
        let secret = fs::read(folder.path().join("assertion.secret")).unwrap();
        let refused = make(folder.path(), &Env::system()).unwrap_err();
        assert!(refused.to_string().contains("is not empty"), "{refused}");
        make_or_keep(folder.path(), true, &[], &Env::system()).unwrap();
        assert_eq!(fs::read(folder.path().join("assertion.secret")).unwrap(), secret);
        fs::remove_file(folder.path().join(LAST)).unwrap();
        assert!(make_or_keep(folder.path(), true, &[], &Env::system()).is_err());
    }

    #[test]
    fn who_comes_later_gets_a_certificate_of_the_same_authority() {
        let folder = tempfile::tempdir().unwrap();
        let (path, env) = (folder.path(), Env::system());
        let also = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(ToString::to_string).collect();
            make_or_keep(path, false, &names, &env)
        };
        also(&["notes"]).unwrap();
        let read = |name: &str| fs::read(path.join(name)).unwrap();
        let before = ["ca.pem", "notes.pem", "session.pem"].map(read);
        also(&["notes", "files"]).unwrap();
        assert_eq!(["ca.pem", "notes.pem", "session.pem"].map(read), before);
        let authority = CertificateDer::from_pem_file(path.join("ca.pem")).unwrap();
        let anchor = [webpki::anchor_from_trusted_cert(&authority).unwrap()];
        for holder in ["notes", "files", "session"] {
            let leaf = CertificateDer::from_pem_file(path.join(format!("{holder}.pem"))).unwrap();
            assert_eq!(TrustDomain::default().service(&leaf), ServiceName::parse(holder));
            let leaf = webpki::EndEntityCert::try_from(&leaf).unwrap();
            let now = UnixTime::now();
            let (algorithms, usage) = (webpki::ALL_VERIFICATION_ALGS, KeyUsage::client_auth());
            leaf.verify_for_usage(algorithms, &anchor, &[], now, usage, None, None).unwrap();
        }
        for own in ["session", "operator", "No Name"] {
            assert!(also(&[own]).is_err(), "{own}");
        }
    }
}

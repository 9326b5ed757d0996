//! The ways to the other services.

use std::{sync::Arc, time::Duration};

use roster_identity::Ways;
use roster_kernel::{Env, ServiceName};
use roster_peers::{
    Gate, Identity, Target,
    assertion::{PublicKeys, Signer, SigningKey, Verifier},
    connect,
};
use roster_server::{Tasks, Upstream};

use crate::{RosterConfig, StartError};

/// How often the files of certificates and keys are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// What a service shows to others, and what it needs to call them.
pub struct Links {
    pub certificates: Arc<Identity>,
    signer: Option<Signer>,
    env: Env,
}

impl Links {
    /// Reads what proves that this process runs `service`.
    pub fn load(
        config: &RosterConfig,
        service: &'static str,
        env: &Env,
    ) -> Result<Self, StartError> {
        let peers = &config.peers;
        if peers.certificate.as_os_str().is_empty() {
            return Err(StartError::Setting("peers.certificate"));
        }
        let certificates = Identity::load(&peers.certificates()).map_err(unusable)?;
        if certificates.service().is_none_or(|it| it.as_str() != service) {
            return Err(StartError::Certificate(service));
        }
        Ok(Self { certificates, signer: None, env: env.clone() })
    }

    /// The ways of the gateway: nobody else speaks for users.
    pub fn signing(mut self, config: &RosterConfig) -> Result<Self, StartError> {
        let key = &config.peers.assertion_key;
        if key.as_os_str().is_empty() {
            return Err(StartError::Setting("peers.assertion_key"));
        }
        let key = SigningKey::load(key).map_err(unusable)?;
        self.signer = Some(Signer::new(key, self.env.clone()));
        Ok(self)
    }

    /// The way to `service`. `setting` says where it is.
    pub fn to(
        &self,
        config: &RosterConfig,
        service: &ServiceName,
        setting: &'static str,
    ) -> Result<Upstream, StartError> {
        let target = config.peers.target(service).ok_or(StartError::Setting(setting))?;
        let certificates = Arc::clone(&self.certificates);
        Ok(connect(target, certificates, self.signer.clone(), self.env.clone()))
    }

    /// The ways to services that join while this one runs.
    pub fn ways(&self) -> Ways {
        let (certificates, env) = (Arc::clone(&self.certificates), self.env.clone());
        Ways::new(move |service, addresses| {
            connect(Target { service, addresses }, Arc::clone(&certificates), None, env.clone())
        })
    }

    /// What decides who may call `service`, and the keys that it believes.
    pub fn gate(
        &self,
        config: &RosterConfig,
        service: ServiceName,
    ) -> Result<(Gate, PublicKeys), StartError> {
        let peers = &config.peers;
        if peers.assertion_keys.as_os_str().is_empty() {
            return Err(StartError::Setting("peers.assertion_keys"));
        }
        let keys = PublicKeys::load(&peers.assertion_keys).map_err(unusable)?;
        let (tolerance, env) = (peers.clock_tolerance(), self.env.clone());
        let verifier = Verifier::new(keys.clone(), service, tolerance, env);
        let allow = peers.allow_list().map_err(unusable)?;
        Ok((Gate { verifier, allow }, keys))
    }

    /// Looks at the files anew while `tasks` go on.
    pub fn keep_fresh(&self, keys: Option<PublicKeys>, tasks: &Tasks) {
        let (certificates, env) = (Arc::clone(&self.certificates), self.env.clone());
        let stop = tasks.token();
        tasks.spawn("peers.certificates", async move {
            loop {
                tokio::select! {
                    () = env.sleep(LOOK) => {}
                    () = stop.cancelled() => return,
                }
                certificates.refresh();
                if let Some(keys) = &keys {
                    keys.refresh();
                }
            }
        });
    }
}

/// Which service the certificate in the settings is for.
pub fn certified(config: &RosterConfig) -> Result<Option<ServiceName>, StartError> {
    let certificates = Identity::load(&config.peers.certificates()).map_err(unusable)?;
    Ok(certificates.service())
}

fn unusable<E: std::error::Error + Send + Sync + 'static>(error: E) -> StartError {
    StartError::Peers(Box::new(error))
}

//! `PersonaService`: one's own personas.

use async_trait::async_trait;
use roster_proto::persona::v1::{
    CreatePersonaRequest, CreatePersonaResponse, DeletePersonaRequest, DeletePersonaResponse,
    GetPersonaRequest, GetPersonaResponse, ListPersonasRequest, ListPersonasResponse,
    UpdatePersonaRequest, UpdatePersonaResponse, persona_service_server::PersonaService,
};
use roster_server::{caller, user};
use tonic::{Request, Response, Status};

use super::{RpcCx, convert};
use crate::op::{create_persona, delete_persona, get_persona, list_personas, update_persona};

/// Answers `PersonaService`.
#[derive(Clone, Debug)]
pub struct PersonaRpc(pub RpcCx);

#[async_trait]
impl PersonaService for PersonaRpc {
    async fn create_persona(
        &self,
        request: Request<CreatePersonaRequest>,
    ) -> Result<Response<CreatePersonaResponse>, Status> {
        let caller = caller(&request)?;
        let user = user(&caller)?;
        let repetition = self.0.repetition(&caller, create_persona::METHOD);
        let command = convert::create(request.get_ref(), &repetition)?;
        let created = create_persona::create_persona(&self.0.cx, &caller, user, command).await?;
        let persona = Some(convert::persona(created));
        Ok(Response::new(CreatePersonaResponse { persona }))
    }

    async fn get_persona(
        &self,
        request: Request<GetPersonaRequest>,
    ) -> Result<Response<GetPersonaResponse>, Status> {
        let caller = caller(&request)?;
        let user = user(&caller)?;
        let id = convert::get(request.get_ref())?;
        let found = get_persona::get_persona(&self.0.cx, user, id).await?;
        Ok(Response::new(GetPersonaResponse { persona: Some(convert::persona(found)) }))
    }

    async fn list_personas(
        &self,
        request: Request<ListPersonasRequest>,
    ) -> Result<Response<ListPersonasResponse>, Status> {
        let caller = caller(&request)?;
        let owner = user(&caller)?.user_id;
        let include_hidden = request.get_ref().include_hidden;
        let page = convert::own_list(request.get_ref())?;
        let page = list_personas::list_own(&self.0.cx, owner, include_hidden, page).await?;
        let (personas, next_page_token) = convert::personas(page);
        Ok(Response::new(ListPersonasResponse { personas, next_page_token }))
    }

    async fn update_persona(
        &self,
        request: Request<UpdatePersonaRequest>,
    ) -> Result<Response<UpdatePersonaResponse>, Status> {
        let caller = caller(&request)?;
        let user = user(&caller)?;
        let repetition = self.0.repetition(&caller, update_persona::METHOD);
        let command = convert::update(request.get_ref(), &repetition)?;
        let updated = update_persona::update_persona(&self.0.cx, &caller, user, command).await?;
        let persona = Some(convert::persona(updated));
        Ok(Response::new(UpdatePersonaResponse { persona }))
    }

    async fn delete_persona(
        &self,
        request: Request<DeletePersonaRequest>,
    ) -> Result<Response<DeletePersonaResponse>, Status> {
        let caller = caller(&request)?;
        let user = user(&caller)?;
        let repetition = self.0.repetition(&caller, delete_persona::METHOD);
        let command = convert::delete(request.get_ref(), &repetition)?;
        let deleted = delete_persona::delete_persona(&self.0.cx, &caller, user, &command).await?;
        let persona = Some(convert::persona(deleted));
        Ok(Response::new(DeletePersonaResponse { persona }))
    }
}

//! Roster's own contract.

use std::collections::BTreeSet;

use http::Method;
use prost_reflect::{DescriptorPool, DynamicMessage, Value};
use roster_transcode::Routes;

const ID: &str = "0199a2b4-0000-7000-8000-000000000001";

/// Every path that a rule of the contract has, as it stands there.
fn rules(pool: &DescriptorPool) -> Vec<(String, Method, String)> {
    let option = pool.get_extension_by_name("google.api.http").unwrap();
    let mut rules = Vec::new();
    for method in pool.services().flat_map(|it| it.methods().collect::<Vec<_>>()) {
        let options = method.options();
        if !options.has_extension(&option) {
            continue;
        }
        let Value::Message(rule) = options.get_extension(&option).into_owned() else { continue };
        let more = rule.get_field_by_name("additional_bindings").unwrap().into_owned();
        let more = more.as_list().unwrap().iter().map(|it| it.as_message().unwrap().clone());
        for rule in more.chain([rule.clone()]).collect::<Vec<DynamicMessage>>() {
            let verb = ["get", "put", "post", "delete", "patch"]
                .into_iter()
                .find(|verb| rule.has_field_by_name(verb))
                .unwrap();
            let path = rule.get_field_by_name(verb).unwrap().as_str().unwrap().to_owned();
            let verb = Method::from_bytes(verb.to_uppercase().as_bytes()).unwrap();
            rules.push((method.full_name().to_owned(), verb, path));
        }
    }
    rules
}

#[test]
fn every_rule_leads_to_its_method() {
    let pool = DescriptorPool::decode(roster_proto::FILE_DESCRIPTOR_SET).unwrap();
    let routes = Routes::new(&pool).unwrap();
    let rules = rules(&pool);
    assert!(rules.len() > 50, "{}", rules.len());
    for (method, verb, template) in &rules {
        let mut path = String::new();
        let mut left = template.as_str();
        while let Some((before, rest)) = left.split_once('{') {
            path.push_str(before);
            path.push_str(ID);
            left = rest.split_once('}').unwrap().1;
        }
        path.push_str(left);
        let call = routes.find(verb, &path).unwrap();
        assert_eq!(call.method().full_name(), method, "{verb} {path}");
        let parent = call.method().parent_service().full_name().to_owned();
        assert_eq!(call.grpc_path(), format!("/{parent}/{}", call.method().name()));
        let request = call.request(None, b"").unwrap();
        let ids = request.fields().filter(|(_, value)| value.as_str() == Some(ID)).count();
        assert_eq!(ids, template.matches('{').count(), "{template}");
    }
    let methods: BTreeSet<_> = rules.iter().map(|(method, ..)| method).collect();
    let open = pool.services().flat_map(|it| it.methods().collect::<Vec<_>>());
    let unbound: Vec<_> = open
        .filter(|it| {
            it.full_name().starts_with("roster.") && !methods.contains(&it.full_name().to_owned())
        })
        .map(|it| it.parent_service().name().to_owned())
        .collect();
    // Those are for services alone.
    assert!(
        unbound.iter().all(|it| !it.contains("Admin") && it != "AccountService"),
        "{unbound:?}"
    );
}

//! What may be reached, and what may not though its name may.

use std::sync::Arc;

use http::Response;
use ostler_core::Body;
use ostler_upstream::{Config, Error, Upstream};

use crate::support::{Names, client, grant, send, serve, text};

fn upstream(names: &Names) -> Upstream {
    Upstream::with_lookup(Config::default(), Arc::new(names.clone())).unwrap()
}

#[tokio::test]
async fn what_is_not_granted_is_denied_and_nobody_is_asked() {
    let server = serve(|_| async { Response::new(Body::Empty) }).await;
    let error = send(&client("http://other.test"), &server.url("/")).await.unwrap_err();
    let Error::Denied(told) = error else { panic!("{error:?}") };
    assert!(told.contains(&format!("grant = {{ http = [\"{}\"] }}", server.origin())), "{told}");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_granted_name_that_leads_inside_is_denied_unless_its_network_is_granted() {
    let server = serve(|_| async { Response::new(Body::full("inside")) }).await;
    let names = Names::default();
    names.set("api.test", &["127.0.0.1"]);
    let origin = format!("http://api.test:{}", server.address.port());
    let outside = upstream(&names).client(&grant(&[&origin], &[]));
    let error = send(&outside, &origin).await.unwrap_err();
    let Error::Denied(told) = error else { panic!("{error:?}") };
    assert!(told.contains("a loopback address") && told.contains("networks = [\"127.0.0.1\"]"), "{told}");
    assert_eq!(server.connections(), 0);

    let inside = upstream(&names).client(&grant(&[&origin], &["127.0.0.1/32"]));
    assert_eq!(text(send(&inside, &origin).await.unwrap()).await.unwrap(), "inside");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_changes_its_mind_changes_nothing() {
    let server = serve(|_| async { Response::new(Body::full("secret")) }).await;
    let names = Names::default();
    let origin = format!("http://rebind.test:{}", server.address.port());
    let client = upstream(&names).client(&grant(&[&origin], &["127.0.0.2/32"]));
    // First it leads where it may; nobody listens there.
    names.set("rebind.test", &["127.0.0.2"]);
    assert!(matches!(send(&client, &origin).await, Err(Error::Connect(_))));
    // Then it leads inside: as long as the first answer is kept, and after, it gets nowhere.
    names.set("rebind.test", &["127.0.0.1"]);
    assert!(matches!(send(&client, &origin).await, Err(Error::Connect(_))));
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    assert!(matches!(send(&client, &origin).await, Err(Error::Denied(_))));
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn of_several_addresses_only_those_allowed_are_tried() {
    let server = serve(|_| async { Response::new(Body::full("hello")) }).await;
    let names = Names::default();
    names.set("many.test", &["10.0.0.1", "169.254.169.254", "127.0.0.2", "127.0.0.1"]);
    let origin = format!("http://many.test:{}", server.address.port());
    let client = upstream(&names).client(&grant(&[&origin], &["127.0.0.0/8"]));
    assert_eq!(text(send(&client, &origin).await.unwrap()).await.unwrap(), "hello");
}

#[tokio::test]
async fn a_connection_let_in_by_one_grant_does_not_serve_another() {
    let server = serve(|_| async { Response::new(Body::full("inside")) }).await;
    let names = Names::default();
    names.set("api.test", &["127.0.0.1"]);
    let origin = format!("http://api.test:{}", server.address.port());
    let upstream = upstream(&names);
    let inside = upstream.client(&grant(&[&origin], &["127.0.0.0/8"]));
    let outside = upstream.client(&grant(&[&origin], &[]));
    text(send(&inside, &origin).await.unwrap()).await.unwrap();
    assert!(matches!(send(&outside, &origin).await, Err(Error::Denied(_))));
}

#[tokio::test]
async fn old_ways_to_write_an_address_are_judged_by_where_they_lead() {
    // Resolvers take these for 127.0.0.1.
    for host in ["127.1", "0x7f.0.0.1", "2130706433", "017700000001"] {
        let origin = format!("http://{host}");
        let client = Upstream::new(Config::default()).unwrap().client(&grant(&[&origin], &[]));
        let error = send(&client, &origin).await.unwrap_err();
        assert!(matches!(error, Error::Denied(_) | Error::Dns(_)), "{host}: {error:?}");
    }
}

#[tokio::test]
async fn a_name_that_leads_nowhere_says_so() {
    let client = upstream(&Names::default()).client(&grant(&["https://none.test"], &[]));
    let error = send(&client, "https://none.test/").await.unwrap_err();
    assert!(matches!(&error, Error::Dns(told) if told.contains("none.test")), "{error:?}");
}

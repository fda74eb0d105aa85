//! What people do with a rollout: they pause it, go on, promote and abort; testers choose; a comparison stays.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_steers_a_rollout_is_told_with_when_and_why() {
    let host = host(
        "strategy = \"canary\"\ninterval = \"200ms\"\nmin_requests = 1\nsteps = [50, 100]\nanalysis = { every = \"100ms\" }\n",
    );
    deploy(&host, "version=v1", "").await;
    deploy(&host, "version=v2", "?interval=1h").await;
    steer(&host, "pause", "lunch").await;
    let refused = host.admin.send(Method::POST, "/v1/plugins/p/rollout/pause", "").await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (409, "conflict"));
    crowd::ask_some(&host, 50).await;
    let paused = rollout(&host).await;
    assert_eq!((&paused["state"], &paused["share"]), (&json!("paused"), &json!("50%")));
    steer(&host, "resume", "back").await;
    let promoted = steer(&host, "promote", "urgent").await;
    let told: Vec<_> = promoted["events"].as_array().unwrap().iter().collect();
    let (who, why): (Vec<_>, Vec<_>) =
        told.iter().map(|event| (event["who"].as_str().unwrap(), event["why"].as_str().unwrap())).unzip();
    assert_eq!(events(&promoted), ["begun", "paused", "resumed", "promoted"]);
    assert_eq!((who, why), (vec!["admin", "anna", "anna", "anna"], vec!["", "lunch", "back", "urgent"]));
    assert!(told.iter().all(|event| event["at_ms"].as_i64().unwrap() > 1_600_000_000_000));
    deploy(&host, "version=v3", "?interval=1h").await;
    assert_eq!(steer(&host, "abort", "a mistake").await["state"], "aborted");
    assert_eq!(host.admin.send(Method::POST, "/v1/plugins/p/rollout/abort", "").await.status, 404);
    let past = host.admin.get("/v1/plugins/p/rollouts").await.json();
    let states: Vec<_> =
        past["rollouts"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["aborted", "promoted", "promoted"], "and the first release, which was live at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comparison_stays_until_somebody_decides() {
    let host = host("strategy = \"ab\"\nanalysis = { every = \"100ms\" }\n");
    deploy(&host, "version=v1 track=orders:1", "").await;
    deploy(&host, "version=v2 track=orders:2", "").await;
    let crowd = Crowd::start(&host);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let seen = crowd.finish().await;
    assert_eq!(seen.failed, Vec::<String>::new());
    let (met, users) = seen.users_of("v2");
    within_six_sigma(met, users, 0.5);
    let compared = rollout(&host).await;
    assert_eq!((&compared["state"], &compared["share"]), (&json!("running"), &json!("50%")));
    assert_eq!(events(&compared), ["begun"]);
    let [stable, candidate] =
        [0, 1].map(|arm: usize| compared["report"]["arms"][arm]["exchanges"].as_u64().unwrap());
    assert!(stable > 0 && candidate > 0, "{:#}", compared["report"]);
    assert!(compared["report"].to_string().contains("orders"), "{:#}", compared["report"]);
    assert_eq!(steer(&host, "promote", "it sells more").await["state"], "promoted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_goes_back_in_one_call() {
    let host = host("strategy = \"blue-green\"\n");
    deploy(&host, "version=v1", "").await;
    let before = live(&host).await;
    deploy(&host, "version=v2", "").await;
    assert_eq!(crowd::ask_all(&host, Version::Http1).await[0], "v2");
    let start = Instant::now();
    let body = json!({ "who": "anna", "why": "prices are wrong" }).to_string();
    let back = host.admin.send(Method::POST, "/v1/plugins/p/rollback", body).await;
    println!("a rollback while the old release is kept: {:.1?}", start.elapsed());
    assert_eq!(back.json()["digest"], before);
    assert!(crowd::ask_all(&host, Version::Http1).await.iter().all(|version| version == "v1"));
    let told = rollout(&host).await;
    assert_eq!(events(&told), ["promoted", "rolled-back"]);
    assert_eq!(told["events"][1]["why"], "prices are wrong");
    deploy(&host, "version=v3", "?strategy=canary").await;
    let back = host.admin.send(Method::POST, "/v1/plugins/p/rollback", "").await;
    assert_eq!(back.json()["digest"], before, "of a canary the old one serves already");
    assert_eq!(rollout(&host).await["state"], "aborted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn testers_choose_and_others_do_not() {
    let host = Setup::new()
        .with("[auth.keys]\nkind = \"api-key\"\n[authorization.roles]\ntester = [\"test-releases\"]")
        .with("[plugins.p]\n[plugins.p.rollout]\nstrategy = \"canary\"\nsteps = [\"0.001%\", 100]\ninterval = \"1h\"")
        .with("testers = \"test-releases\"\nrules = [{ tenant = \"acme\", release = \"candidate\" }]")
        .with("[[routes]]\npath = \"/\"\nplugin = \"p\"\nauth = [\"keys\"]")
        .start();
    deploy(&host, "version=v1", "").await;
    let candidate = deploy(&host, "version=v2", "").await["digest"].as_str().unwrap().to_owned();
    let tester = key(&host, json!({ "name": "tester", "roles": ["tester"] })).await;
    let (other, acme) = (
        key(&host, json!({ "name": "other" })).await,
        key(&host, json!({ "name": "a", "tenant": "acme" })).await,
    );
    for wanted in ["candidate", candidate.as_str(), &candidate[..20]] {
        assert_eq!(ask(&host, &tester, wanted).await, "v2", "{wanted}");
        assert_eq!(ask(&host, &other, wanted).await, "v1", "{wanted}");
    }
    assert_eq!(ask(&host, &tester, "stable").await, "v1");
    assert_eq!(ask(&host, &acme, "stable").await, "v2", "its tenant has the new one, and it is no tester");
}

async fn key(host: &Host, body: Value) -> String {
    let reply = host.admin.send(Method::POST, "/v1/keys", body.to_string()).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()["key"].as_str().unwrap().to_owned()
}

async fn ask(host: &Host, key: &str, wanted: &str) -> String {
    let mut request = host.client.request(Method::GET, "/", "");
    request.headers_mut().insert("x-api-key", key.parse().unwrap());
    request.headers_mut().insert("x-ostler-release", wanted.parse().unwrap());
    host.client.try_send(request).await.unwrap().text()
}

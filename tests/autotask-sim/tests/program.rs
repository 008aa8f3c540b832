//! The program: arguments, world files and the control API from another process.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value as Json, json};

struct Program {
    child: Child,
    urls: Json,
    http: reqwest::Client,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut child = Command::new(env!("CARGO_BIN_EXE_autotask-sim"))
            .args(["--control", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let urls = serde_json::from_str(&line).expect("JSON");
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        Self { child, urls, http }
    }

    async fn control(&self, method: &str, path: &str, body: Option<Json>) -> (u16, Json) {
        let url = format!("{}{path}", self.urls["controlUrl"].as_str().expect("a URL"));
        let mut request = self.http.request(method.parse().expect("a verb"), url);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("an answer");
        (
            response.status().as_u16(),
            response.json().await.unwrap_or_default(),
        )
    }

    async fn ask(&self, path: &str, body: Option<Json>) -> (u16, Json) {
        let url = format!(
            "{}V1.0/{path}",
            self.urls["zoneUrl"].as_str().expect("a URL")
        );
        let request = match body {
            Some(body) => self.http.post(url).json(&body),
            None => self.http.get(url),
        };
        let request = request
            .header("ApiIntegrationCode", "CODE-1")
            .header("UserName", "billing@msp.example")
            .header("Secret", "s3cret");
        let response = request.send().await.expect("an answer");
        (
            response.status().as_u16(),
            response.json().await.unwrap_or_default(),
        )
    }
}

const WORLD: &str = r#"{
  "today": "2026-11-23",
  "zoneName": "EU West", "ci": 18,
  "users": [{"userName": "billing@msp.example", "secret": "s3cret", "integrationCodes": ["CODE-1"],
             "rights": {"BillingItems": "forbidden"}}],
  "udfs": {"Companies": ["Coro Workspace"]},
  "postedThrough": "2026-10-31",
  "companies": [{"id": 7, "companyName": "Acme", "isActive": true,
                 "userDefinedFields": [{"name": "Coro Workspace", "value": "W-7"}]}],
  "services": [{"id": 70, "name": "Coro Essentials", "isActive": true, "periodType": 2, "unitPrice": 7.5}],
  "serviceBundles": [{"id": 71, "name": "Coro Complete", "isActive": true, "periodType": 2, "unitPrice": 20}],
  "contracts": [{"id": 700, "companyID": 7, "contractName": "Acme", "contractType": 7, "status": 1,
                 "contractPeriodType": 2, "startDate": "2026-01-01", "endDate": "2026-12-31"}],
  "contractServices": [{"id": 7000, "contractID": 700, "serviceID": 70, "unitPrice": 7.5, "units": 10,
                        "adjustments": [{"effectiveDate": "2026-12-01", "unitChange": -2}]}],
  "contractServiceBundles": [{"id": 7001, "contractID": 700, "serviceBundleID": 71, "unitPrice": 20}],
  "contractServiceBundleUnits": [{"contractServiceBundleID": 7001, "startDate": "2026-01-01",
                                  "endDate": "2026-12-31", "units": 3, "price": 60}]
}"#;

fn with_world() -> (Program, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("world.json");
    std::fs::write(&file, WORLD).expect("written");
    let ready = folder.path().join("ready");
    let program = Program::start(&[
        "--world",
        file.to_str().expect("text"),
        "--ready-file",
        ready.to_str().expect("text"),
        "--switch",
        "zero-units=refuse",
    ]);
    (program, folder)
}

#[tokio::test]
async fn a_world_file_becomes_a_tenant() {
    let (program, folder) = with_world();
    let ready = loop {
        if let Ok(text) = std::fs::read_to_string(folder.path().join("ready")) {
            break text;
        }
    };
    assert_eq!(
        serde_json::from_str::<Json>(&ready).expect("JSON"),
        program.urls
    );
    let (status, company) = program.ask("Companies/7", None).await;
    assert_eq!(
        (status, &company["item"]["companyName"]),
        (200, &json!("Acme"))
    );
    assert_eq!(
        company["item"]["userDefinedFields"],
        json!([{"name": "Coro Workspace", "value": "W-7"}])
    );
    assert_eq!(program.ask("BillingItems/1", None).await.0, 403);
    let (_, units) = program.control("GET", "units/7000", None).await;
    let rows = units["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 12);
    assert_eq!(
        (&rows[11]["units"], &rows[9]["posted"], &rows[10]["posted"]),
        (&json!(8), &json!("2026-11-23"), &json!(null))
    );
    let (_, bundle) = program.control("GET", "units/7001?kind=bundle", None).await;
    assert_eq!(bundle["rows"][0]["units"], json!(3));
}

#[tokio::test]
async fn the_control_api_does_what_the_library_does() {
    let (program, _folder) = with_world();
    let zero = json!({"contractServiceID": 7000, "effectiveDate": "2026-11-01", "unitChange": -8});
    assert_eq!(
        program
            .ask("ContractServiceAdjustments", Some(zero))
            .await
            .0,
        500
    );
    let (_, switches) = program
        .control("POST", "switches", Some(json!({"zero-units": "accept"})))
        .await;
    assert_eq!(switches["zero-units"], json!("accept"));
    assert_eq!(
        program
            .control("POST", "switches", Some(json!({"no-such": 1})))
            .await
            .0,
        400
    );

    let edit = json!({"line": 7000, "effectiveDate": "2026-11-01", "unitChange": 5});
    assert_eq!(
        program
            .control("POST", "foreign-edit", Some(edit.clone()))
            .await
            .0,
        200
    );
    assert_eq!(
        program.control("POST", "foreign-edit", Some(edit)).await.0,
        400
    );

    let fault = json!({"kind": "apply-late", "endpoint": "ContractServiceAdjustments", "afterClockSeconds": 60});
    assert_eq!(
        program.control("POST", "faults", Some(fault)).await.1,
        json!({"faultsLeft": 1})
    );
    let change = json!({"contractServiceID": 7000, "effectiveDate": "2026-11-15", "unitChange": 1});
    assert_eq!(
        program
            .ask("ContractServiceAdjustments", Some(change))
            .await
            .0,
        504
    );
    let (_, clock) = program
        .control("POST", "clock", Some(json!({"advanceSeconds": 90})))
        .await;
    assert_eq!(clock, json!({"now": "2026-11-23T00:01:30"}));
    let (_, applied) = program.control("GET", "applied", None).await;
    let foreign: Vec<_> = applied
        .as_array()
        .expect("a list")
        .iter()
        .map(|a| a["foreign"].clone())
        .collect();
    assert_eq!(foreign, [json!(true), json!(false)]);

    let (_, journal) = program.control("GET", "journal", None).await;
    assert_eq!(journal["requests"].as_array().expect("a list").len(), 2);
    assert_eq!(program.control("DELETE", "journal", None).await.0, 200);
    let changes =
        json!([{"do": "set", "entity": "Companies", "id": 7, "field": "isActive", "value": false}]);
    assert_eq!(
        program
            .control("POST", "world/changes", Some(changes))
            .await
            .0,
        200
    );
    assert_eq!(
        program.ask("Companies/7", None).await.1["item"]["isActive"],
        json!(false)
    );

    assert_eq!(
        program
            .control("POST", "threshold", Some(json!({"requests": 9_996})))
            .await
            .0,
        200
    );
    assert_eq!(
        program
            .control("POST", "settings", Some(json!({"halfDelayMs": 1})))
            .await
            .0,
        200
    );
    assert_eq!(program.ask("Version", None).await.0, 200);
    assert_eq!(program.ask("Version", None).await.0, 429);
    assert_eq!(
        program
            .control("POST", "clock", Some(json!({"today": "2026-12-01"})))
            .await
            .1,
        json!({"now": "2026-12-01T00:01:30"})
    );
    assert_eq!(program.ask("Version", None).await.0, 200);
    let (_, moved) = program.control("POST", "zone/move", None).await;
    assert_ne!(moved["zoneUrl"], program.urls["zoneUrl"]);
    assert_eq!(program.ask("Version", None).await.0, 401);
    let to = json!({"zoneName": "EU 1", "ci": 7, "webUrl": "ww19.autotask.net"});
    let (_, moved) = program.control("POST", "zone/move", Some(to)).await;
    let (_, world) = program.control("GET", "world", None).await;
    assert_eq!(
        [&world["zoneName"], &world["ci"], &world["webUrl"]],
        [&json!("EU 1"), &json!(7), &json!("ww19.autotask.net")]
    );
    assert_eq!(program.control("POST", "world", Some(world)).await.0, 200);
    let (_, status) = program.control("GET", "", None).await;
    assert_eq!(status["zoneUrl"], moved["zoneUrl"]);
}

#[tokio::test]
async fn a_generated_tenant_is_there_and_wrong_arguments_are_refused() {
    let program = Program::start(&[
        "--generate",
        "companies=25,lines=2",
        "--seed",
        "9",
        "--split-zone",
    ]);
    let (_, world) = program.control("GET", "world", None).await;
    assert_eq!(world["companies"].as_array().expect("a list").len(), 26);
    assert_ne!(program.urls["baseUrl"], program.urls["zoneUrl"]);
    for wrong in [
        ["--listen", "0.0.0.0:0"],
        ["--switch", "no-such=1"],
        ["--generate", "companys=3"],
        ["--world", "no/such/file.json"],
    ] {
        let run = Command::new(env!("CARGO_BIN_EXE_autotask-sim"))
            .args(wrong)
            .output()
            .expect("it runs");
        assert!(!run.status.success(), "{wrong:?}");
        assert!(!run.stderr.is_empty());
    }
}

//! A small client for the tests: right credentials, nothing clever, every answer as
//! it came.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

use autotask_sim::{Config, LineKind, Simulator, World};
use jiff::civil::{Date, date};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};

/// The tests' today.
pub(crate) const TODAY: Date = date(2026, 11, 23);

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub(crate) fn ids(&self) -> Vec<i64> {
        let json = self.json();
        let items = json["items"]
            .as_array()
            .unwrap_or_else(|| panic!("no items: {json}"));
        items.iter().map(|i| i["id"].as_i64().unwrap()).collect()
    }

    /// The only error.
    pub(crate) fn error(&self) -> String {
        let json = self.json();
        let errors = json["errors"]
            .as_array()
            .unwrap_or_else(|| panic!("no errors: {json}"));
        assert_eq!(errors.len(), 1, "{json}");
        errors[0].as_str().unwrap().to_owned()
    }

    pub(crate) fn next_page(&self) -> Option<String> {
        self.json()["pageDetails"]["nextPageUrl"]
            .as_str()
            .map(ToOwned::to_owned)
    }
}

/// A client of one simulator.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub http: reqwest::Client,
    pub zone: String,
    pub user: String,
    pub secret: String,
    pub code: String,
}

impl Client {
    pub(crate) fn new(simulator: &Simulator) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .gzip(false)
            .build()
            .unwrap();
        Self {
            http,
            zone: simulator.zone_url(),
            user: "api@sim.example".to_owned(),
            secret: "sim-secret".to_owned(),
            code: "SIM-TRACKING-CODE".to_owned(),
        }
    }

    /// A request with credentials; `path` follows `V1.0/`, or is a whole URL.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}V1.0/{path}", self.zone)
        };
        self.http
            .request(method, url)
            .header("ApiIntegrationCode", &self.code)
            .header("UserName", &self.user)
            .header("Secret", &self.secret)
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Reply {
        self.try_send(request).await.unwrap()
    }

    pub(crate) async fn try_send(&self, request: RequestBuilder) -> reqwest::Result<Reply> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Reply {
            status,
            headers,
            text: response.text().await?,
        })
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Json) -> Reply {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Json) -> Reply {
        self.send(self.request(Method::PATCH, path).json(body))
            .await
    }

    /// A POST query with one condition.
    pub(crate) async fn find(&self, entity: &str, op: &str, field: &str, value: Json) -> Reply {
        let body = json!({"filter": [{"op": op, "field": field, "value": value}]});
        self.post(&format!("{entity}/query"), &body).await
    }

    /// Every record, page by page.
    pub(crate) async fn all(&self, entity: &str) -> Reply {
        self.find(entity, "gte", "id", json!(0)).await
    }

    pub(crate) async fn adjust(&self, line: i64, effective: &str, change: i32) -> Reply {
        let body =
            json!({"contractServiceID": line, "effectiveDate": effective, "unitChange": change});
        self.post("ContractServiceAdjustments", &body).await
    }
}

/// Waits for what must come, and fails if it does not within five seconds.
pub(crate) async fn until(done: impl Fn() -> bool) {
    for _ in 0..500 {
        if done() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("it did not come");
}

/// One company with one contract of 2026 and one line of ten units.
#[derive(Debug)]
pub(crate) struct Small {
    pub world: World,
    pub company: i64,
    pub service: i64,
    pub contract: i64,
    pub line: i64,
}

pub(crate) fn small() -> Small {
    let mut world = World::new(TODAY);
    let company = world.add_company("Acme");
    let service = world.add_service("Coro Essentials", "7.50");
    let contract = world.add_contract(
        company,
        "Acme services",
        date(2026, 1, 1),
        date(2026, 12, 31),
    );
    let line = world
        .add_line(LineKind::Service, contract, service, 10)
        .unwrap();
    Small {
        world,
        company,
        service,
        contract,
        line,
    }
}

/// The same, running.
pub(crate) struct Running {
    pub simulator: Simulator,
    pub client: Client,
    pub company: i64,
    pub service: i64,
    pub contract: i64,
    pub line: i64,
}

pub(crate) async fn run(change: impl FnOnce(&mut Config)) -> Running {
    let Small {
        world,
        company,
        service,
        contract,
        line,
    } = small();
    let mut config = Config::new(world);
    change(&mut config);
    let simulator = Simulator::start(config).await.unwrap();
    let client = Client::new(&simulator);
    Running {
        simulator,
        client,
        company,
        service,
        contract,
        line,
    }
}

/// A tenant with many companies and nothing else.
pub(crate) async fn run_companies(count: i64) -> (Simulator, Client) {
    let mut world = World::new(TODAY);
    for n in 1..=count {
        world.add_company(&format!("Company {n}"));
    }
    let simulator = Simulator::start(Config::new(world)).await.unwrap();
    let client = Client::new(&simulator);
    (simulator, client)
}

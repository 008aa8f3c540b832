//! The API on a free port of 127.0.0.1.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::books::{Agreement, Books, Patch};

/// What becomes of the next quantity that is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchFault {
    /// It is set, and a gateway answers 504.
    AnswerLost,
    /// It is lost, and a gateway answers 504.
    RequestLost,
}

/// The running PSA. It ends with the test's runtime.
#[derive(Debug, Clone)]
pub struct SmallPsa {
    books: Arc<Mutex<Books>>,
    fault: Arc<Mutex<Option<PatchFault>>>,
    address: std::net::SocketAddr,
}

impl SmallPsa {
    /// Serve these books.
    ///
    /// # Errors
    /// No free port.
    pub async fn start(books: Books) -> std::io::Result<Self> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let psa = Self {
            books: Arc::new(Mutex::new(books)),
            fault: Arc::default(),
            address: listener.local_addr()?,
        };
        let api = Router::new()
            .route("/system/info", get(info))
            .route("/company/companies", get(companies))
            .route("/procurement/catalog", get(catalog))
            .route("/finance/agreements", get(agreements))
            .route("/finance/agreements/{id}/additions", get(additions))
            .route(
                "/finance/agreements/{id}/additions/{addition}",
                patch(set_quantity),
            )
            .with_state(psa.clone());
        tokio::spawn(async move { axum::serve(listener, api).await });
        Ok(psa)
    }

    /// Where it is.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its books, to look at or to change as a person in the PSA would.
    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.books
            .lock()
            .unwrap_or_else(|broken| broken.into_inner())
    }

    /// Let the next change of a quantity go wrong.
    pub fn fail_next(&self, fault: PatchFault) {
        *self
            .fault
            .lock()
            .unwrap_or_else(|broken| broken.into_inner()) = Some(fault);
    }
}

/// `acme+public-key`, `private-key`.
const BASIC: &str = "Basic YWNtZStwdWJsaWMta2V5OnByaXZhdGUta2V5";

fn refused(headers: &HeaderMap) -> Option<Response> {
    let given = headers.get("authorization").map(|value| value.as_bytes());
    (given != Some(BASIC.as_bytes())).then(|| {
        let body = json!({ "code": "Unauthorized", "message": "invalid credentials" });
        (StatusCode::UNAUTHORIZED, Json(body)).into_response()
    })
}

async fn info(headers: HeaderMap) -> Response {
    refused(&headers)
        .unwrap_or_else(|| Json(json!({ "version": "v2025.1", "company": "acme" })).into_response())
}

async fn companies(State(psa): State<SmallPsa>, headers: HeaderMap) -> Response {
    if let Some(refused) = refused(&headers) {
        return refused;
    }
    let books = psa.books();
    let companies = books.agreements.iter().map(|agreement| agreement.company);
    let companies = companies.map(|id| json!({ "id": id, "name": format!("Company {id}") }));
    Json(companies.collect::<Value>()).into_response()
}

async fn catalog(State(psa): State<SmallPsa>, headers: HeaderMap) -> Response {
    if let Some(refused) = refused(&headers) {
        return refused;
    }
    let books = psa.books();
    let mut products: Vec<i64> = books
        .agreements
        .iter()
        .flat_map(|agreement| &agreement.additions)
        .map(|addition| addition.product)
        .collect();
    products.sort_unstable();
    products.dedup();
    let products = products.iter();
    let products = products.map(|id| json!({ "id": id, "description": format!("Product {id}") }));
    Json(products.collect::<Value>()).into_response()
}

#[derive(Deserialize)]
struct OfCompanies {
    companies: String,
}

async fn agreements(
    State(psa): State<SmallPsa>,
    Query(of): Query<OfCompanies>,
    headers: HeaderMap,
) -> Response {
    if let Some(refused) = refused(&headers) {
        return refused;
    }
    let wanted: Vec<&str> = of.companies.split(',').collect();
    let books = psa.books();
    let found = books
        .agreements
        .iter()
        .filter(|agreement| wanted.contains(&agreement.company.to_string().as_str()));
    let found = found.map(|agreement| {
        let mut said = json!({
            "id": agreement.id, "company": { "id": agreement.company }, "name": "Managed services",
            "startDate": agreement.start, "periodMonths": 1,
        });
        if agreement.tells_invoices {
            said["nextInvoiceDate"] = json!(agreement.next_invoice());
            said["invoicedThrough"] = json!(agreement.unbilled.yesterday().ok());
        }
        said
    });
    Json(found.collect::<Value>()).into_response()
}

async fn additions(
    State(psa): State<SmallPsa>,
    Path(id): Path<i64>,
    headers: HeaderMap,
) -> Response {
    if let Some(refused) = refused(&headers) {
        return refused;
    }
    let books = psa.books();
    match books.agreements.iter().find(|agreement| agreement.id == id) {
        Some(agreement) => Json(said(agreement, &books)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn said(agreement: &Agreement, books: &Books) -> Value {
    let additions = agreement.additions.iter().map(|addition| {
        json!({
            "id": addition.id, "product": { "id": addition.product },
            "quantity": addition.on(books.today), "unitPrice": 4.5,
            "lessIncluded": addition.less_included, "billCustomer": addition.bill_customer,
            "calculated": addition.calculated, "effectiveDate": agreement.start,
        })
    });
    additions.collect()
}

#[derive(Deserialize)]
struct Operation {
    op: String,
    path: String,
    value: i64,
}

async fn set_quantity(
    State(psa): State<SmallPsa>,
    Path((agreement, addition)): Path<(i64, i64)>,
    headers: HeaderMap,
    Json(operations): Json<Vec<Operation>>,
) -> Response {
    if let Some(refused) = refused(&headers) {
        return refused;
    }
    let quantity = match operations.as_slice() {
        [one] if one.op == "replace" && one.path == "/quantity" && one.value >= 0 => one.value,
        _ => {
            let body = json!({ "code": "InvalidObject", "errors": [{ "code": "Invalid" }] });
            return (StatusCode::BAD_REQUEST, Json(body)).into_response();
        }
    };
    let fault = psa
        .fault
        .lock()
        .unwrap_or_else(|broken| broken.into_inner())
        .take();
    if fault == Some(PatchFault::RequestLost) {
        return StatusCode::GATEWAY_TIMEOUT.into_response();
    }
    let mut books = psa.books();
    if !books.set(agreement, addition, quantity) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let on = books.today;
    books.patches.push(Patch {
        on,
        addition,
        quantity,
    });
    match fault {
        Some(_) => StatusCode::GATEWAY_TIMEOUT.into_response(),
        None => Json(json!({ "id": addition, "quantity": quantity })).into_response(),
    }
}

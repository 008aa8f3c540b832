"""The large sync as a bare script would do it: batches of 500, two requests at once, no
ledger, no rules, nothing checked. What a safe sync is measured against.

Arguments: base URL, usage file, mapping file, today (YYYY-MM-DD).
"""

import http.client
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

BASE, USAGE, MAPPING, TODAY = sys.argv[1:5]
HOST, PATH = urlsplit(BASE).netloc, urlsplit(BASE).path
HEADERS = {
    "ApiIntegrationCode": "SIM-TRACKING-CODE",
    "UserName": "api@sim.example",
    "Secret": "sim-secret",
    "Content-Type": "application/json",
}
PAGE = 500
mine = threading.local()


def ask(method, path, body):
    connection = getattr(mine, "connection", None)
    if connection is None:
        connection = mine.connection = http.client.HTTPConnection(HOST)
    connection.request(method, f"{PATH}V1.0/{path}", json.dumps(body), HEADERS)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status} {text[:200]}")
    return json.loads(text)


def page(entity, filters, after, fields):
    filters = [{"op": "gt", "field": "id", "value": after}, *filters]
    body = {"MaxRecords": PAGE, "IncludeFields": fields, "filter": filters}
    return ask("POST", f"{entity}/query", body)["items"]


def every(entity, filters, fields):
    rows, after = [], 0
    while True:
        items = page(entity, filters, after, fields)
        rows += items
        if len(items) < PAGE:
            return rows
        after = items[-1]["id"]


def chunks(values, size):
    return [values[at : at + size] for at in range(0, len(values), size)]


def within(pool, entity, field, values, more, fields, size=PAGE):
    """Rows whose field is one of the values, batch by batch."""

    def of(part):
        return every(entity, [{"op": "in", "field": field, "value": part}, *more], fields)

    return [row for rows in pool.map(of, chunks(values, size)) for row in rows]


def main():
    usage = json.load(open(USAGE))["items"]
    mapping = json.load(open(MAPPING))
    accounts = {pair["workspace"]: int(pair["account"]) for pair in mapping["accounts"]}
    services = {pair["module"]: pair for pair in mapping["services"]}
    open_units = [{"op": "gte", "field": "endDate", "value": TODAY},
                  {"op": "lte", "field": "startDate", "value": TODAY}]
    with ThreadPoolExecutor(2) as pool:
        every("Companies", [], ["id", "companyName", "isActive"])
        every("Services", [], ["id", "name", "isActive"])
        companies = sorted(accounts.values())
        contracts = within(pool, "Contracts", "companyID", companies, [],
                           ["id", "companyID", "startDate", "endDate", "status"])
        company_of = {row["id"]: row["companyID"] for row in contracts}
        ids = sorted(company_of)
        # Six lines on each contract: as many contracts as fill a page.
        lines = within(pool, "ContractServices", "contractID", ids, [],
                       ["id", "contractID", "serviceID"], PAGE // 6)
        units = within(pool, "ContractServiceUnits", "contractID", ids, open_units,
                       ["id", "contractServiceID", "units", "startDate", "endDate"], PAGE // 6)
        has = {}
        for row in units:
            if row["startDate"][:10] <= TODAY <= row["endDate"][:10]:
                has[row["contractServiceID"]] = row["units"]
        line_of = {(company_of[row["contractID"]], row["serviceID"]): row["id"] for row in lines}
        changes = []
        for item in usage:
            sold = services[item["module"]]
            line = line_of.get((accounts[item["workspace"]], int(sold["service"])))
            if line is None or line not in has:
                continue
            change = item[sold["metric"]] - has[line]
            if change:
                changes.append((line, change))

        def adjust(it):
            line, change = it
            body = {"contractServiceID": line, "unitChange": change, "effectiveDate": TODAY}
            ask("POST", "ContractServiceAdjustments", body)

        list(pool.map(adjust, changes))
        within(pool, "ContractServiceUnits", "contractServiceID",
               sorted(line for line, _ in changes), open_units,
               ["id", "contractServiceID", "units", "startDate", "endDate"])
    print(len(changes), "changes")


main()

//! Names that look like an MSP's customers.

const FIRST: [&str; 25] = [
    "Alder",
    "Beacon",
    "Birch",
    "Bluewater",
    "Cedar",
    "Copper",
    "Crescent",
    "Delta",
    "Evergreen",
    "Falcon",
    "Granite",
    "Harbor",
    "Hawthorn",
    "Ironwood",
    "Juniper",
    "Keystone",
    "Lakeside",
    "Maple",
    "Meridian",
    "Orchard",
    "Pinnacle",
    "Quarry",
    "Riverbend",
    "Summit",
    "Willow",
];

const SECOND: [&str; 20] = [
    "Dental",
    "Legal",
    "Logistics",
    "Accounting",
    "Veterinary",
    "Architects",
    "Insurance",
    "Manufacturing",
    "Pediatrics",
    "Realty",
    "Engineering",
    "Foods",
    "Travel",
    "Optics",
    "Motors",
    "Construction",
    "Media",
    "Textiles",
    "Pharmacy",
    "Academy",
];

const LAST: [&str; 4] = ["LLC", "Inc.", "Group", "& Co."];

/// The name of customer number `at`: no two alike.
pub(crate) fn company(at: usize) -> String {
    let (first, second) = (
        FIRST[at % FIRST.len()],
        SECOND[(at / FIRST.len()) % SECOND.len()],
    );
    let round = at / (FIRST.len() * SECOND.len());
    let last = LAST[at % LAST.len()];
    if round == 0 {
        format!("{first} {second} {last}")
    } else {
        format!("{first} {second} {round} {last}")
    }
}

/// A domain made of a name.
pub(crate) fn domain(company: &str) -> String {
    let letters = company.chars().filter(char::is_ascii_alphanumeric);
    let mut domain: String = letters.collect::<String>().to_ascii_lowercase();
    domain.push_str(".example");
    domain
}

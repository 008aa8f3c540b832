//! Names, domains and stock numbers made comparable: what differs only by case,
//! accents, punctuation, spaces or a legal suffix becomes equal, and nothing else does.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Legal forms at the end of a company's name, folded. Only at the end, and never the
/// whole name: "Co" and "AS" are words elsewhere.
#[rustfmt::skip]
const LEGAL: &[&str] = &[
    "ab", "ag", "aps", "as", "asa", "bhd", "bv", "bvba", "ca", "co", "company", "corp",
    "corporation", "cv", "doo", "dooel", "eg", "ei", "eirl", "eood", "ev", "gbr", "gie", "gmbh",
    "ggmbh", "hf", "inc", "incorporated", "jsc", "kft", "kg", "kgaa", "kk", "lda", "llc", "llp",
    "lp", "ltd", "limited", "ltda", "mbh", "nv", "nyrt", "ohg", "oo", "ood", "oy", "oyj", "ou",
    "pbc", "pc", "plc", "pllc", "pte", "pty", "pvt", "private", "rl", "rt", "sa", "sas", "sasu",
    "sarl", "sc", "sca", "scs", "sdn", "se", "sgps", "sia", "sl", "slu", "snc", "spa", "spzoo",
    "sp", "sprl", "srl", "srls", "sro", "ug", "uab", "zoo", "zrt",
];

/// Mail providers: their domain says nothing about a company.
#[rustfmt::skip]
const FREE_MAIL: &[&str] = &[
    "163.com", "126.com", "aol.com", "att.net", "bigpond.com", "bluewin.ch", "bt.com",
    "btinternet.com", "comcast.net", "cox.net", "fastmail.com", "free.fr", "freenet.de",
    "gmail.com", "gmx.at", "gmx.ch", "gmx.com", "gmx.de", "gmx.net", "googlemail.com",
    "hotmail.co.uk", "hotmail.com", "hotmail.fr", "icloud.com", "laposte.net", "libero.it",
    "live.com", "mac.com", "mail.com", "mail.ru", "me.com", "msn.com", "naver.com",
    "onmicrosoft.com", "orange.fr", "outlook.com", "outlook.de", "outlook.fr", "pm.me",
    "proton.me", "protonmail.com", "qq.com", "rediffmail.com", "rocketmail.com", "sbcglobal.net",
    "seznam.cz", "sky.com", "t-online.de", "telenet.be", "tutanota.com", "verizon.net",
    "virgilio.it", "wanadoo.fr", "web.de", "wp.pl", "xtra.co.nz", "yahoo.co.jp", "yahoo.co.uk",
    "yahoo.com", "yahoo.de", "yahoo.fr", "yahoo.it", "yandex.ru", "ymail.com", "zoho.com",
];

/// The vendor's own name: it stands before many services and says nothing of which.
const VENDOR: &str = "coro";

/// A name in its comparable forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// Folded.
    pub full: String,
    /// Without what says nothing of whose name it is.
    pub core: String,
    /// The core's words in order of the alphabet.
    pub sorted: String,
}

impl Name {
    /// A company's; none where nothing of it can be compared.
    pub(super) fn company(text: &str) -> Option<Self> {
        let words = fold(text);
        let kept = without_legal(&words);
        Self::of(&words, &words[..kept])
    }

    /// A product's.
    pub(super) fn product(text: &str) -> Option<Self> {
        let words = fold(text);
        let core: Vec<String> = words
            .iter()
            .filter(|word| *word != VENDOR)
            .cloned()
            .collect();
        Self::of(&words, &core)
    }

    fn of(full: &[String], core: &[String]) -> Option<Self> {
        let mut sorted = core.to_vec();
        sorted.sort();
        (!core.is_empty()).then(|| Self {
            full: full.join(" "),
            core: core.join(" "),
            sorted: sorted.join(" "),
        })
    }

    /// The core's words.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.core.split(' ')
    }
}

/// How many words are left without the legal forms at the end; at least one.
fn without_legal(words: &[String]) -> usize {
    let mut kept = words.len();
    while kept > 1 {
        let word = words[kept - 1].as_str();
        // "GmbH & Co. KG", "Sp. z o.o.": what joins legal forms goes with them.
        let joins = matches!(word, "and" | "z") && kept < words.len();
        if !joins && !LEGAL.contains(&word) {
            break;
        }
        kept -= 1;
    }
    kept
}

/// A text as folded words.
fn fold(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for chunk in text.split_whitespace() {
        // "S.p.A." and "A/S" are one word each.
        let parts: Vec<&str> = chunk
            .split(['.', '/'])
            .filter(|part| !part.is_empty())
            .collect();
        let initials = parts.len() > 1 && parts.iter().all(|part| part.chars().count() == 1);
        match initials {
            true => fold_chunk(&parts.concat(), &mut words),
            false => fold_chunk(chunk, &mut words),
        }
    }
    words
}

fn fold_chunk(chunk: &str, words: &mut Vec<String>) {
    let mut word = String::new();
    let mut end = |word: &mut String| {
        if !word.is_empty() {
            words.push(std::mem::take(word));
        }
    };
    for c in chunk.to_lowercase().nfkd() {
        match c {
            // Accents. Marks of other scripts are letters there and stay.
            '\u{300}'..='\u{36f}' => {}
            // "O'Brien" is one word.
            '\'' | '’' | '‘' | '`' | '´' => {}
            '&' | '+' => {
                end(&mut word);
                word.push_str("and");
                end(&mut word);
            }
            'ß' => word.push_str("ss"),
            'æ' => word.push_str("ae"),
            'œ' => word.push_str("oe"),
            'ø' => word.push('o'),
            'ł' => word.push('l'),
            'đ' | 'ð' => word.push('d'),
            'þ' => word.push_str("th"),
            'ı' => word.push('i'),
            c if c.is_alphanumeric() || is_combining_mark(c) => word.push(c),
            _ => end(&mut word),
        }
    }
    end(&mut word);
}

/// The domain that a text names, as an ASCII host without `www.`; none for mail
/// providers and for what is no domain.
pub(super) fn domain(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split(['/', '?', '#']).next().unwrap_or_default();
    let text = text.rsplit('@').next().unwrap_or_default();
    let text = text
        .split(':')
        .next()
        .unwrap_or_default()
        .trim_end_matches('.');
    let domain = idna::domain_to_ascii_cow(text.as_bytes(), idna::AsciiDenyList::URL).ok()?;
    let domain = domain.strip_prefix("www.").unwrap_or(&domain).to_owned();
    let last = domain.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        // Nothing, or an address.
        return None;
    }
    let free = FREE_MAIL.iter().any(|free| {
        let above = domain.strip_suffix(free);
        above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
    });
    (domain.contains('.') && !free).then_some(domain)
}

/// A stock number without the vendor's name (`CORO-EDR` is `edr`).
pub(super) fn sku(text: &str) -> Option<String> {
    let words = fold(text);
    let words: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .filter(|word| *word != VENDOR)
        .collect();
    (!words.is_empty()).then(|| words.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_only_by_writing_or_legal_form_have_one_core() {
        for (text, core) in [
            ("Acme", "acme"),
            ("ACME, Inc.", "acme"),
            ("Acme L.L.C.", "acme"),
            ("Acme Pty Ltd", "acme"),
            ("Acme GmbH & Co. KG", "acme"),
            ("Société Générale S.A.", "societe generale"),
            ("Boulangerie S.à r.l.", "boulangerie"),
            ("Maersk A/S", "maersk"),
            ("Ferrero S.p.A.", "ferrero"),
            ("Nordisk ApS", "nordisk"),
            ("Kovács Kft.", "kovacs"),
            ("Virtanen Oy", "virtanen"),
            ("Żabka Sp. z o.o.", "zabka"),
            ("Straße AG", "strasse"),
            ("O'Brien & Sons", "obrien and sons"),
            ("OBrien and Sons Limited", "obrien and sons"),
            ("Smith-Jones  Dental", "smith jones dental"),
            ("acme.com", "acme com"),
            // Never the whole name, and never in the middle.
            ("Co", "co"),
            ("AS Roma", "as roma"),
            ("Ltd Inc", "ltd"),
            ("東京 株式会社", "東京 株式会社"),
        ] {
            assert_eq!(Name::company(text).unwrap().core, core, "{text}");
        }
        for nothing in ["", "  ", "---", "'"] {
            assert_eq!(Name::company(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn a_product_is_named_without_the_vendor() {
        for (text, core) in [
            ("Coro EDR", "edr"),
            ("CORO - Endpoint Security", "endpoint security"),
            ("Corona Beer", "corona beer"),
        ] {
            assert_eq!(Name::product(text).unwrap().core, core, "{text}");
        }
        assert_eq!(Name::product("Coro"), None);
        assert_eq!(sku("CORO-EDR").as_deref(), Some("edr"));
        assert_eq!(sku("coro_edr").as_deref(), Some("edr"));
        assert_eq!(sku("wifi-phishing").as_deref(), Some("wifi-phishing"));
        assert_eq!(sku("coro"), None);
    }

    #[test]
    fn a_domain_is_read_out_of_what_people_write() {
        for (text, expected) in [
            ("acme.com", Some("acme.com")),
            (" WWW.Acme.COM. ", Some("acme.com")),
            ("https://www.acme.com/about?x#y", Some("acme.com")),
            ("acme.com:8443", Some("acme.com")),
            ("info@acme.com", Some("acme.com")),
            ("mail.acme.com", Some("mail.acme.com")),
            ("münchen.de", Some("xn--mnchen-3ya.de")),
            ("gmail.com", None),
            ("someone@outlook.com", None),
            ("acme.onmicrosoft.com", None),
            ("notgmail.com", Some("notgmail.com")),
            ("acme", None),
            ("10.0.0.1", None),
            ("", None),
            ("a b.com", None),
        ] {
            assert_eq!(domain(text).as_deref(), expected, "{text:?}");
        }
    }
}

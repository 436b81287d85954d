//! Reads the one module out of what Cloudflare answers for a script: the module itself, or a
//! multipart form that holds it.

use super::client::Raw;

/// The module's source; `None` where it is not text, or not one module, and so none of ours.
pub(super) fn module(answer: &Raw) -> Option<String> {
    let body = std::str::from_utf8(&answer.body).ok()?;
    let Some(boundary) = boundary(&answer.media_type) else { return Some(body.to_owned()) };
    let delimiter = format!("--{boundary}");
    let mut modules = body
        .split(delimiter.as_str())
        .skip(1)
        .take_while(|part| !part.starts_with("--"))
        .filter_map(|part| {
            let (headers, content) = part.split_once("\r\n\r\n")?;
            let headers = headers.to_ascii_lowercase();
            // Settings may travel in the same form.
            let code = headers.contains("javascript") || headers.contains("filename=");
            code.then(|| content.strip_suffix("\r\n").unwrap_or(content).to_owned())
        });
    let first = modules.next();
    if modules.next().is_some() { None } else { first }
}

fn boundary(media_type: &str) -> Option<&str> {
    let (kind, parameters) = media_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(media_type: &str, body: &str) -> Raw {
        Raw { media_type: media_type.to_owned(), tag: None, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn a_bare_module_is_taken_as_it_is() {
        let source = "export default {};\n";
        let raw = answer("application/javascript", source);
        assert_eq!(module(&raw).as_deref(), Some(source));
    }

    #[test]
    fn a_module_is_taken_out_of_its_form() {
        let body = "--XX\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{}\r\n\
            --XX\r\nContent-Disposition: form-data; name=\"worker.js\"; filename=\"worker.js\"\r\n\
            Content-Type: application/javascript+module\r\n\r\nexport default {};\r\n\r\n--XX--\r\n";
        let raw = answer("multipart/form-data; boundary=\"XX\"", body);
        assert_eq!(module(&raw).as_deref(), Some("export default {};\r\n"));
    }
}

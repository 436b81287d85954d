//! The rules language: being written.

/// Whether an expression may be saved in a phase; the message is for Cloudflare's error 400.
pub fn validate(phase: &str, expression: &str) -> Result<(), String> {
    let _ = (phase, expression);
    Ok(())
}

/// Whether a Gateway wire expression may be saved for these filters (`dns`, `http`).
pub fn validate_gateway(filters: &[&str], expression: &str) -> Result<(), String> {
    let _ = (filters, expression);
    Ok(())
}

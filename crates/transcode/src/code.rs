//! What the codes of gRPC are to HTTP
//! (<https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto>).

/// Their names and the statuses of HTTP, by their numbers.
pub const CODES: [(&str, u16); 17] = [
    ("OK", 200),
    // What a client has given up hears nothing; for those who look in between.
    ("CANCELLED", 499),
    ("UNKNOWN", 500),
    ("INVALID_ARGUMENT", 400),
    ("DEADLINE_EXCEEDED", 504),
    ("NOT_FOUND", 404),
    ("ALREADY_EXISTS", 409),
    ("PERMISSION_DENIED", 403),
    ("RESOURCE_EXHAUSTED", 429),
    ("FAILED_PRECONDITION", 400),
    ("ABORTED", 409),
    ("OUT_OF_RANGE", 400),
    ("UNIMPLEMENTED", 501),
    ("INTERNAL", 500),
    ("UNAVAILABLE", 503),
    ("DATA_LOSS", 500),
    ("UNAUTHENTICATED", 401),
];

/// The status of HTTP that the code of this name becomes.
#[must_use]
pub fn http_status(code: &str) -> Option<u16> {
    CODES.iter().find(|(name, _)| *name == code).map(|(_, status)| *status)
}

//! What a guest's statement may do: anything with its own tables, nothing with other files or the connection itself.
//!
//! SQLite asks for each action while it compiles a statement, so what is refused has not begun.

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

/// Pragmas that only read, or set what is the database's own and harmless.
const PRAGMAS: [&str; 11] = [
    "foreign_key_check",
    "foreign_key_list",
    "foreign_keys",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "table_info",
    "table_list",
    "table_xinfo",
    "user_version",
];

/// Functions that load code.
const FUNCTIONS: [&str; 2] = ["load_extension", "fts3_tokenizer"];

/// Whether an action is allowed. `VACUUM` attaches a file, so it is refused with it.
pub(super) fn judge(context: AuthContext<'_>) -> Authorization {
    let listed = |list: &[&str], name: &str| list.iter().any(|known| known.eq_ignore_ascii_case(name));
    let allowed = match context.action {
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => false,
        AuthAction::CreateVtable { .. } | AuthAction::DropVtable { .. } => false,
        AuthAction::Unknown { .. } => false,
        AuthAction::Pragma { pragma_name, .. } => listed(&PRAGMAS, pragma_name),
        AuthAction::Function { function_name } => !listed(&FUNCTIONS, function_name),
        _ => true,
    };
    if allowed { Authorization::Allow } else { Authorization::Deny }
}

//! The attribute `#[ostler_sdk::handler]`; use it through `ostler-sdk`.

use proc_macro::{Delimiter, TokenStream, TokenTree};

/// Makes a function the component's handler.
///
/// The function takes an `ostler_sdk::Request` and returns an `ostler_sdk::Response`, or a `Result` of one whose error
/// turns into an `ostler_sdk::Error`. It stays an ordinary function, so that unit tests call it by its name.
#[proc_macro_attribute]
pub fn handler(attribute: TokenStream, item: TokenStream) -> TokenStream {
    if !attribute.is_empty() {
        return complaint("#[ostler_sdk::handler] takes no arguments");
    }
    match name_of_function(item.clone()) {
        Ok(name) => export(item, &name),
        Err(text) => complaint(text),
    }
}

/// The function as it was, and its export beside it. Natively nothing is exported, and the function counts as used.
fn export(item: TokenStream, name: &str) -> TokenStream {
    let export = format!(
        r#"
        #[cfg(not(target_arch = "wasm32"))]
        const _: () = {{
            #[allow(dead_code)]
            fn used() {{
                let _ = {name};
            }}
        }};
        #[cfg(target_arch = "wasm32")]
        const _: () = {{
            struct Exported;
            impl ::ostler_sdk::export::Guest for Exported {{
                fn handle(request: ::ostler_sdk::export::Request)
                    -> ::core::result::Result<::ostler_sdk::export::Response, ::std::string::String>
                {{
                    ::ostler_sdk::export::answer(super_handler, request)
                }}
            }}
            use {name} as super_handler;
            ::ostler_sdk::bindings::export_handler!(Exported);
        }};
        "#
    );
    match export.parse::<TokenStream>() {
        Ok(export) => [item, export].into_iter().collect(),
        Err(_) => complaint("the handler's name cannot be exported"),
    }
}

/// The identifier behind `fn` at the item's own level.
fn name_of_function(item: TokenStream) -> Result<String, &'static str> {
    let mut tokens = item.into_iter();
    for token in tokens.by_ref() {
        let TokenTree::Ident(word) = token else { continue };
        match word.to_string().as_str() {
            "async" => {
                return Err("a handler is a plain `fn`: capabilities block, so there is nothing to await");
            }
            "fn" => break,
            "struct" | "enum" | "impl" | "mod" | "trait" => {
                return Err("#[ostler_sdk::handler] belongs on a function");
            }
            _ => {}
        }
    }
    let Some(TokenTree::Ident(name)) = tokens.next() else {
        return Err("#[ostler_sdk::handler] belongs on a function");
    };
    match tokens.next() {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => Ok(name.to_string()),
        _ => Err("a handler has no type parameters: fn handle(request: Request) -> Result<Response, Error>"),
    }
}

fn complaint(text: &str) -> TokenStream {
    format!("::core::compile_error!({text:?});").parse().unwrap_or_default()
}

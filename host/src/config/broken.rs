//! Broken files, each with everything that is told of it, to the letter.

use super::tests::told;

/// Broken files and exactly what is told of each.
const BROKEN: &[(&str, &[&str])] = &[
    (
        "[auth.a]\nkind = 'jwd'\n[auth.b]\nkind = 'mtls'\n[auth.c]\nkind = 'basic'\nusers = { anna = 'hunter2' }",
        &[
            "ostler.toml:1: error: auth: found \"b\" of kind mtls, while no listener asks for certificates; allowed: mtls beside \
             [server] tls.client_ca; repair: add client_ca = \"ca.pem\" to [server] tls",
            "ostler.toml:2: error: auth.a.kind: found \"jwd\"; allowed: \"jwt\" or \"introspection\" or \"oidc\" or \"api-key\" or \
             \"mtls\" or \"basic\"",
            "ostler.toml:7: error: auth.c.users: found \"anna\": no hash in PHC form; allowed: NAME:$argon2id$...[:ROLE,ROLE]; \
             repair: make the hash with `ostler hash-password`",
        ],
    ),
    (
        "[sever]",
        &[
            "ostler.toml:1: error: sever: found an unknown key; allowed: state, server, admin, plugins, routes, \
           defaults, auth, limits, authorization, overload, admission, flags, observe, runtime, upstream, redis, cache; repair: write server",
        ],
    ),
    (
        "[flags]\ntargeting_key = 'visitor'\nexposure_log = '1'\n[flags.ofrep]\npath = '/flags'\nlisten = '127.0.0.1:9080'\nport = 1",
        &[
            "ostler.toml:2: error: flags.targeting_key: found \"visitor\"; allowed: \"cookie:NAME\" or \"header:NAME\"; repair: \
             write \"cookie:NAME\", or leave it out for the client's address",
            "ostler.toml:3: error: flags.exposure_log: found \"1\"; allowed: a share from \"0%\" to \"100%\", such as \"0.1%\"; \
             repair: write \"1%\"",
            "ostler.toml:4: error: flags.ofrep.auth: found nothing; allowed: names of [auth.NAME], or [] to let everybody ask; \
             repair: add auth = [\"NAME\"], or auth = [] where everybody may ask",
            "ostler.toml:5: error: flags.ofrep.path: found \"/flags\"; allowed: a path that ends in /ofrep; repair: write \
             \"/ofrep\": clients add /ofrep/v1/... to the address they are given",
            "ostler.toml:7: error: flags.ofrep.port: found an unknown key; allowed: auth, require, limits, cost, path, listen, \
             bulk; repair: write cost",
        ],
    ),
    (
        "[flags]\nfiles = ['none.json', 'ostler.toml']\nshared = true\nnamespace = 'A b'\nfile = 'x'",
        &[
            "ostler.toml:2: error: flags.files: found \"none.json\": No such file or directory (os error 2); allowed: a file of flags \
           in flagd's format; repair: write the file, or take it out of the list",
            "ostler.toml:2: error: flags.files: found \"ostler.toml\": the file: expected ident at line 1 column 3; allowed: JSON; \
           repair: correct it; docs/flags.md shows a file",
            "ostler.toml:3: error: flags.shared: found no [redis] to share flags in; allowed: shared beside [redis]; repair: add \
           [redis] url",
            "ostler.toml:4: error: flags.namespace: found \"A b\"; allowed: 1 to 63 of a-z, 0-9, - and _",
            "ostler.toml:5: error: flags.file: found an unknown key; allowed: files, shared, namespace, provider, targeting_key, exposure_log, ofrep; repair: write files",
        ],
    ),
    (
        "[plugins.a]\nmemroy = '1MiB'\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: plugins.a.memroy: found an unknown key; allowed: path, instances, memory, deadline, \
           concurrency, requests_per_instance, table_elements, response_body, request_body, log, grant, openapi, schema, \
           check_responses, auth, require, tenant, mfa, limits, cost, priority, cache, when, admission, rollout; repair: write memory",
        ],
    ),
    (
        "[plugins.a]\nmemory = '1KiB'\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: plugins.a.memory: found \"1KiB\"; allowed: a size from \"64KiB\" to \"4GiB\", with its unit \
           (B, KiB, MiB, GiB)",
        ],
    ),
    (
        "[plugins.a]\npath = 'none.wasm'\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: plugins.a.path: found \"none.wasm\": there is no such file; allowed: a component file; repair: \
           build it with `ostler build`, or leave path out and upload releases",
        ],
    ),
    (
        "[plugins.a]\n[[routes]]\npath = '/'\nplugin = 'a'\nopenapi = 'none.yaml'",
        &[
            "ostler.toml:5: error: openapi: found none.yaml: cannot be read: No such file or directory (os error 2); allowed: a file \
           of YAML or JSON; repair: name a file, relative to the configuration file, that the host may read",
        ],
    ),
    (
        "[plugins.a]\nopenapi = 'ostler.toml'\nschema = 'x'\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: openapi: found openapi and schema; allowed: one of them; repair: leave out schema",
        ],
    ),
    (
        "[defaults]\ncheck_responses = 'yes'",
        &[
            "ostler.toml:2: error: defaults.check_responses: found \"yes\"; allowed: \"off\" or \"log\" or \"refuse\"",
        ],
    ),
    (
        "[plugins.a]\npath = '.'\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: plugins.a.path: found \".\": it is a folder; allowed: a component file; repair: name a file",
        ],
    ),
    (
        "[plugins.a]\npath = '/dev/zero'\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: plugins.a.path: found \"/dev/zero\": it is no regular file; allowed: a component file; \
           repair: name a file",
        ],
    ),
    (
        "[plugins.a]\npath = 'core.wasm'\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: plugins.a.path: found \"core.wasm\": this is a core module, not a component; build for \
           wasm32-wasip2, or turn it into a component with `wasm-tools component new`; allowed: a component file",
        ],
    ),
    (
        "[plugins.a]\npath = 'a.txt'\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: plugins.a.path: found \"a.txt\": this is no WebAssembly file: it does not begin with \
           \"\\0asm\"; allowed: a component file",
        ],
    ),
    (
        "[plugins.a]\npath = 'odd.wasm'\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: plugins.a.path: found \"odd.wasm\": it exports no handler; it exports nothing; export \
             ostler:plugin/http-handler@0.1.0, wasi:http/incoming-handler@0.2.x or wasi:http/handler@0.3.x; allowed: a \
             component that can run here",
            "ostler.toml:2: error: plugins.a.path: found \"odd.wasm\": it imports acme:db/x, which nobody provides; allowed: a \
             component that can run here",
        ],
    ),
    (
        "[plugins.a]\npath = 'hello.wasm'\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: warning: plugins.a.path: found \"hello.wasm\": it imports key-value stores, but kv is not granted; \
           calls will be denied; repair: grant it if the plugin is to use it",
        ],
    ),
    (
        "[plugins.a]\ngrant = { kvs = ['x'] }\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: plugins.a.grant.kvs: found an unknown key; allowed: kv, sqlite, blob, limits, cache, http, networks, config; repair: write kv",
        ],
    ),
    (
        "[plugins.a]\nrollout = { steps = [5, 1], stategy = 'canary', analysis = { p99 = 0.5 } }\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: plugins.a.rollout.steps: found 1% after 5%; allowed: 1 to 20 shares that rise, as [1, 5, 25, 50, 100] \
             or [\"0.1%\", \"1%\"]",
            "ostler.toml:2: error: plugins.a.rollout.analysis.p99: found 0.5; allowed: a number from 1 to 1000",
            "ostler.toml:2: error: plugins.a.rollout.stategy: found an unknown key; allowed: strategy, keep, steps, share, interval, \
             min_requests, sticky, testers, rules, unsafe_methods, analysis; repair: write strategy",
        ],
    ),
    (
        "[plugins.a]\n",
        &[
            "ostler.toml:1: warning: plugins.a: found no route to it; repair: add [[routes]] with plugin = \"a\"",
        ],
    ),
    (
        "[plugins.'A b']\n[[routes]]\npath = '/'\nplugin = 'A b'",
        &[
            "ostler.toml:1: error: plugins.A b: found a name that is no plugin's; allowed: 1 to 63 of a-z, 0-9, - and _, \
           beginning with a letter or digit; repair: rename it",
        ],
    ),
    (
        "[plugins.hello]\n[[routes]]\npath = '/'\nplugin = 'hello'\n[[routes]]\npath = '/b'\nplugin = 'helo'",
        &[
            "ostler.toml:7: error: routes[1].plugin: found \"helo\", which is not defined; allowed: hello; repair: write \"hello\"",
        ],
    ),
    (
        "[[routes]]\npath = '/'\nplugin = 'hello'",
        &[
            "ostler.toml:3: error: routes[0].plugin: found \"hello\", which is not defined; allowed: a plugin of this file; \
           repair: define it: [plugins.hello]",
        ],
    ),
    (
        "[plugins.a]\n[[routes]]\nplugin = 'a'\n[[routes]]\npath = 'x'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: routes[0].path: found nothing; allowed: a path such as \"/api/{*rest}\"; repair: add path = ...",
            "ostler.toml:5: error: routes[1].path: found \"x\"; allowed: a path that begins with /; repair: write \"/x\"",
        ],
    ),
    (
        "[plugins.a]\n[[routes]]\npath = '/{*x}/y'\nplugin = 'a'\n[[routes]]\npath = '/{a}{b}'\nplugin = 'a'\n\
         [[routes]]\npath = '/{'\nplugin = 'a'",
        &[
            "ostler.toml:3: error: routes[0].path: found \"/{*x}/y\": Catch-all parameters are only allowed at the end of a \
             route; allowed: one {name} per segment, {*rest} at the end, {{ and }} for braces",
            "ostler.toml:6: error: routes[1].path: found \"/{a}{b}\": Only one parameter is allowed per path segment; allowed: \
             one {name} per segment, {*rest} at the end, {{ and }} for braces",
            "ostler.toml:9: error: routes[2].path: found \"/{\": Parameters must be registered with a valid name; allowed: one \
             {name} per segment, {*rest} at the end, {{ and }} for braces",
        ],
    ),
    (
        "[plugins.a]\n[plugins.b]\n[[routes]]\npath = '/x'\nmethods = ['GET', 'PUT']\nplugin = 'a'\n\
         [[routes]]\npath = '/x'\nmethods = ['POST']\nplugin = 'b'\n[[routes]]\npath = '/x'\nplugin = 'b'",
        &[
            "ostler.toml:12: error: routes[2].path: found \"/x\", which line 4 routes already (any host, GET, PUT); allowed: \
           each method of a path once; repair: give them different methods, or one a when, or remove one",
        ],
    ),
    (
        "[plugins.a]\n[[routes]]\npath = '/x/{id}'\nhost = 'a.test'\nplugin = 'a'\n[[routes]]\npath = '/x/{name}'\n\
         host = 'A.test'\nplugin = 'a'\n[[routes]]\npath = '/x/{name}'\nplugin = 'a'",
        &[
            "ostler.toml:7: error: routes[1].path: found \"/x/{name}\", which matches the same paths as \"/x/{id}\" of line 3; \
           allowed: one pattern for the same paths; repair: write \"/x/{id}\" in both, or remove one",
        ],
    ),
    (
        "[server]\nlisten = ['http://0.0.0.0:80', 'http://127.0.0.1:80']",
        &[
            "ostler.toml:2: error: server.listen: found 127.0.0.1:80 beside 0.0.0.0:80, which covers it; allowed: each port of \
           an address once; repair: remove one",
        ],
    ),
    (
        "[server]\nlisten = ['http://127.0.0.1:9080']\n[admin]\nlisten = '127.0.0.1:9080'",
        &[
            "ostler.toml:4: error: admin.listen: found 127.0.0.1:9080, where [server] listens on 127.0.0.1:9080; allowed: an \
           address of its own; repair: choose another port",
        ],
    ),
    (
        "[server]\nlisten = ['http://127.0.0.1:9080']",
        &[
            "ostler.toml:1: error: server.listen: found 127.0.0.1:9080, where [server] listens on 127.0.0.1:9080; allowed: an \
           address of its own; repair: choose another port, or another [admin] listen than the default",
        ],
    ),
    (
        "[admin]\nlisten = '0.0.0.0:9080'",
        &[
            "ostler.toml:2: error: admin.listen: found 0.0.0.0:9080 without tls; allowed: a loopback address, or any address \
           with tls; repair: add tls = { cert = \"cert.pem\", key = \"key.pem\" }, or listen on 127.0.0.1",
        ],
    ),
    (
        "[admin]\nlisten = 'http://x'\ntoken_file = 'nowhere/token'",
        &[
            "ostler.toml:2: error: admin.listen: found \"http://x\"; allowed: IP:PORT; repair: write it as \"127.0.0.1:9080\", \
             without http://",
            "ostler.toml:3: error: admin.token_file: found \"nowhere/token\", in a folder that does not exist; allowed: a file \
             with the token, readable by its owner only; repair: create it",
        ],
    ),
    (
        "[authorization]\nroles = { a = ['role:b'], c = ['x:'] }\nscopes = 'restrct'\ncedar = 'none.cedar'",
        &[
            "ostler.toml:2: error: authorization.roles.a: found \"role:b\", which is not defined; allowed: a, c; repair: define \
             it: b = [...]",
            "ostler.toml:2: error: authorization.roles.c: found \"x:\"; allowed: permissions as \"orders:write\", \"orders:*\" \
             or \"*\", with \" on RESOURCE\" if need be",
            "ostler.toml:3: error: authorization.scopes: found \"restrct\"; allowed: \"restrict\" or \"grant\" or \"ignore\"",
            "ostler.toml:4: error: authorization.cedar: found none.cedar: No such file or directory (os error 2); allowed: a \
             readable file of Cedar policies, of at most 1MiB; repair: name a file beside this one",
        ],
    ),
    (
        "[authorization]\ncedar = 'a.txt'",
        &[
            "ostler.toml:2: error: authorization.cedar: found a.txt:1: unexpected end of input; allowed: Cedar policies",
        ],
    ),
    (
        "[plugins.a]\n[[routes]]\npath = '/x/{id}'\nplugin = 'a'\nrequire = ['x on y/{no}']\ntenant = 'path:t'",
        &[
            "ostler.toml:5: error: require: found \"x on y/{no}\"; allowed: segments that are texts or parameters of /x/{id}: \
             {id}",
            "ostler.toml:6: error: tenant: found \"path:t\", but /x/{id} has no segment {t}; allowed: {id}",
        ],
    ),
    (
        "[plugins.a]\n[[routes]]\npath = '/'\nplugin = 'a'\nrequire = ['x']",
        &[
            "ostler.toml:5: error: require: found no auth beside it, so that nobody could pass; allowed: together with auth; \
             repair: add auth = [\"NAME\"] to the route, its plugin or [defaults], or require = [] to the route",
        ],
    ),
    (
        "[overload]\nmax_in_flight = 10\nmin_in_flight = 20\nretry_after = '1ms'\npriority = 'low'",
        &[
            "ostler.toml:3: error: overload.min_in_flight: found 20; allowed: at most max_in_flight and plugin_max_in_flight; \
             repair: write 10 or less",
            "ostler.toml:4: error: overload.retry_after: found \"1ms\"; allowed: a duration from \"1s\" to \"1h\", with its \
             unit (ms, s, m, h, d)",
            "ostler.toml:5: error: overload.priority: found an unknown key; allowed: max_in_flight, plugin_max_in_flight, \
             min_in_flight, adaptive, retry_after; repair: remove it",
        ],
    ),
    (
        "[state]\ndir = 'a.txt'",
        &[
            "ostler.toml:2: error: state.dir: found \"a.txt\", which is a file; allowed: a folder, which is created on first \
           start; repair: name another folder",
        ],
    ),
    (
        "[plugins.a]\ngrant = { config = { x = '${NOPE}' } }\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:2: error: plugins.a.grant.config.x: found ${NOPE}, and no variable of this name (in UTF-8) is set; \
           allowed: variables of the host's environment; repair: set NOPE, or write $${ where you mean the characters \
           themselves",
        ],
    ),
    (
        "[auth.a]\nkind = 'jwd'\n[auth.b]\nkind = 'mtls'\n[auth.c]\nkind = 'basic'\nusers = { anna = 'hunter2' }",
        &[
            "ostler.toml:1: error: auth: found \"b\" of kind mtls, while no listener asks for certificates; allowed: mtls beside \
             [server] tls.client_ca; repair: add client_ca = \"ca.pem\" to [server] tls",
            "ostler.toml:2: error: auth.a.kind: found \"jwd\"; allowed: \"jwt\" or \"introspection\" or \"oidc\" or \"api-key\" or \
             \"mtls\" or \"basic\"",
            "ostler.toml:7: error: auth.c.users: found \"anna\": no hash in PHC form; allowed: NAME:$argon2id$...[:ROLE,ROLE]; \
             repair: make the hash with `ostler hash-password`",
        ],
    ),
    (
        "[limits.a]\nrate = 'often'\n[limits.b]\nrate = '5/s'\nshared = true",
        &[
            "ostler.toml:2: error: limits.a.rate: found \"often\"; allowed: a count and a period of 1s to 31d, such as \
           \"100/min\" or \"20/30s\"; repair: write \"100/min\"",
            "ostler.toml:5: error: limits.b.shared: found no [redis] to share it in; allowed: shared beside [redis]; repair: \
           add [redis] url",
        ],
    ),
    (
        "[limits.per-user]\nrate = '5/s'\n[plugins.a]\n[[routes]]\npath = '/'\nplugin = 'a'\nlimits = ['per-usr']",
        &["ostler.toml:7: error: limits: found \"per-usr\"; allowed: per-user; repair: write \"per-user\""],
    ),
    (
        "[limits.a]\nrate = '5/s'\n[plugins.a]\n[[routes]]\npath = '/'\nplugin = 'a'\nlimits = ['a']\ncost = 6",
        &[
            "ostler.toml:7: error: cost: found 6; allowed: at most 5, what a holds; repair: lower cost, or raise the limit's \
           rate or burst",
        ],
    ),
    (
        "[plugins.a]\nadmission = { signature = true, signers = ['ci'] }\n[[routes]]\npath = '/'\nplugin = 'a'\n[admission]\n\
         strict_grant = true\nhooks = [{ url = 'ftp://x' }]\nkeys.ci-2 = { key = 'RWQ' }",
        &[
            "ostler.toml:1: error: plugins.a.admission.signers: found \"ci\"; allowed: names of [admission.keys.NAME], or \
             \"sigstore\" beside [admission.sigstore]; repair: add [admission.keys.ci]",
            "ostler.toml:1: error: plugins.a.admission.signature: found true, and nobody who could sign; allowed: true beside a \
             key; repair: add [admission.keys.NAME], or [admission.sigstore]",
            "ostler.toml:7: error: admission.strict_grant: found an unknown key; allowed: keys, hooks, signers, signature, \
             strict_grants, contents, smoke, handler_change, size, sigstore, advisories, ignored; repair: write strict_grants",
            "ostler.toml:8: error: admission.hooks[0].url: found no such URL; allowed: a URL of http or https, without user and \
             fragment; repair: write \"https://HOST/PATH\"",
            "ostler.toml:9: error: admission.keys.ci-2.key: found no public key; allowed: the line that minisign prints: \
             \"RW...\"; repair: copy the last line of the .pub file",
        ],
    ),
    (
        "[plugins.a]\ngrant = { limits = ['a'] }\n[[routes]]\npath = '/'\nplugin = 'a'",
        &[
            "ostler.toml:1: warning: plugins.a.grant.limits: found \"a\"; allowed: names of [limits.NAME]; repair: add \
           [limits.a]",
        ],
    ),
];

#[test]
fn each_broken_file_is_told_exactly() {
    for (file, expected) in BROKEN.iter().chain(super::broken_access::BROKEN) {
        assert_eq!(told(file), *expected, "{file}");
    }
}

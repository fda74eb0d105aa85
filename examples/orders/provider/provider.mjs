// A real OpenID Connect provider (npm `oidc-provider`) with the people and programs of this example. Its login page takes any
// password: it is for trying out, on this machine only.
//
// ORDERS_CLIENT_SECRET is what the host proves itself with; PORT (3000) is where it listens, ORIGIN (http://127.0.0.1:8080) where
// browsers see the host. PROVIDER_MODULES is for tests that have the package elsewhere.

import http from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { PORT = "3000", ORIGIN = "http://127.0.0.1:8080", ORDERS_CLIENT_SECRET, PROVIDER_MODULES } = process.env;
if (!ORDERS_CLIENT_SECRET) throw new Error("set ORDERS_CLIENT_SECRET, to the same value for the provider and for the host");

const from = PROVIDER_MODULES === undefined ? import.meta.url : pathToFileURL(`${PROVIDER_MODULES}/`);
const { Provider } = await import(pathToFileURL(createRequire(from).resolve("oidc-provider")));

/** Who there is: tenant and roles of each. */
const PEOPLE = {
  ada: { tenant: "acme", roles: ["clerk"] },
  ben: { tenant: "acme", roles: ["manager"] },
  cleo: { tenant: "zenith", roles: ["manager"] },
  dora: { tenant: "acme", roles: [] },
};

/** What the API's tokens may be for; a token without scopes may do all that its roles may. */
const SCOPES = "orders:read orders:write orders:delete orders:refund";

/** A program for each of them, whose secret is its name twice. */
const programs = Object.entries(PEOPLE).map(([name, { tenant, roles }]) => ({
  client_id: `${name}-script`,
  client_secret: `${name}-script-${name}-script`,
  grant_types: ["client_credentials"],
  redirect_uris: [],
  response_types: [],
  scope: SCOPES,
  tenant,
  roles,
}));

const provider = new Provider(`http://127.0.0.1:${PORT}`, {
  clients: [
    {
      client_id: "orders",
      client_secret: ORDERS_CLIENT_SECRET,
      redirect_uris: [`${ORIGIN}/auth/callback`],
      post_logout_redirect_uris: [`${ORIGIN}/orders`],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
    },
    ...programs,
  ],
  findAccount: (_, sub) => PEOPLE[sub] && { accountId: sub, claims: () => ({ sub, ...PEOPLE[sub] }) },
  claims: { openid: ["sub"], profile: ["tenant", "roles"] },
  conformIdTokenClaims: false,
  scopes: ["openid", "offline_access", ...SCOPES.split(" ")],
  extraClientMetadata: { properties: ["tenant", "roles"] },
  extraTokenClaims: (_, token) => {
    const { tenant, roles } = token.kind === "ClientCredentials" ? token.client : PEOPLE[token.accountId];
    return { tenant, roles };
  },
  features: {
    devInteractions: { enabled: true },
    clientCredentials: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({
        audience: "urn:orders",
        scope: SCOPES,
        accessTokenFormat: "jwt",
        accessTokenTTL: 3600,
      }),
    },
  },
  pkce: { required: () => true },
  cookies: { keys: [ORDERS_CLIENT_SECRET] },
  ttl: { Session: 3600, Grant: 3600, Interaction: 600, IdToken: 3600, AccessToken: 3600 },
});

http.createServer(provider.callback()).listen(Number(PORT), "127.0.0.1", () => {
  console.log(`the provider is at http://127.0.0.1:${PORT}`);
});

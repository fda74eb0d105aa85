// A real OpenID Connect provider for tests: node provider.mjs PORT MODULES ORIGIN [ACCESS_TTL]
// Its login page takes any name and password; people whose name begins with "gone" get no new tokens.
import { createRequire } from 'node:module';
import http from 'node:http';

const [port, modules, origin, accessTtl = '3600'] = process.argv.slice(2);
const { Provider } = await import(createRequire(modules + '/').resolve('oidc-provider'));
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: 'app', client_secret: 's'.repeat(32), redirect_uris: [`${origin}/auth/callback`],
    post_logout_redirect_uris: [`${origin}/`], grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
  }],
  claims: { openid: ['sub', 'tenant', 'roles'], profile: ['name'] },
  conformIdTokenClaims: false,
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: id, tenant: 'acme', roles: ['reader'] }),
  }),
  issueRefreshToken: async () => true,
  rotateRefreshToken: true,
  ttl: { AccessToken: Number(accessTtl), IdToken: 3600, RefreshToken: 3600, Grant: 3600, Session: 3600, Interaction: 600 },
  features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  pkce: { required: () => true },
  cookies: { keys: ['k'] },
});
// Tests end grants here: what an administrator of the provider does.
const server = http.createServer(async (request, response) => {
  const path = new URL(request.url, 'http://x').pathname;
  if (path === '/end-all-grants') {
    revoked = true;
    return response.end('done');
  }
  if (revoked && path === '/token') {
    response.writeHead(400, { 'content-type': 'application/json' });
    return response.end('{"error":"invalid_grant"}');
  }
  return provider.callback()(request, response);
});
let revoked = false;
server.listen(Number(port), '127.0.0.1');

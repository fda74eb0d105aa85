// A certified OpenID provider (npm oidc-provider): opaque access tokens, or JSON Web Tokens for the resource urn:jwt.
// Arguments: the folder with node_modules, the port.
import http from 'node:http';
const [, , servers, port] = process.argv;
const { Provider } = await import(`${servers}/node_modules/oidc-provider/lib/index.js`);
const client = (client_id, scope) => ({
  client_id, scope, client_secret: 'the secret: 100% safe', redirect_uris: [], response_types: [], grant_types: ['client_credentials'],
});
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [client('robot', 'read'), client('the api', 'read')],
  scopes: ['read'],
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource) => ({ scope: 'read', audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: 60 }),
    },
  },
});
http.createServer(provider.callback()).listen(Number(port), '127.0.0.1');

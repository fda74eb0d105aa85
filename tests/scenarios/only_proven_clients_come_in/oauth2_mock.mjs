// A real token issuer (npm oauth2-mock-server) that signs what a test asks for: the form field `claims`, as JSON.
// Each start has a new key. Arguments: the folder with node_modules, the port.
const [, , servers, port] = process.argv;
const { OAuth2Server } = await import(`${servers}/node_modules/oauth2-mock-server/dist/index.mjs`);
const server = new OAuth2Server();
await server.issuer.keys.generate('RS256');
server.service.on('beforeTokenSigning', (token, request) => {
  Object.assign(token.payload, JSON.parse(request.body.claims ?? '{}'));
});
await server.start(Number(port), '127.0.0.1');

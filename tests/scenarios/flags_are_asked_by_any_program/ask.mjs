// Asks a host for flags with the OpenFeature SDK of Node: `ask.mjs URL KEY QUESTIONS`, both sides JSON.
import { createRequire } from 'node:module';

const require = createRequire(process.cwd() + '/');
const { OpenFeature } = require('@openfeature/server-sdk');
const { OFREPProvider } = require('@openfeature/ofrep-provider');

const [url, key, questions] = process.argv.slice(2);
await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: url, headers: [['x-api-key', key]] }));
const client = OpenFeature.getClient();
const asks = {
  boolean: 'getBooleanDetails', string: 'getStringDetails', integer: 'getNumberDetails', float: 'getNumberDetails',
  object: 'getObjectDetails',
};
const answers = [];
for (const { type, flag, default: value, context } of JSON.parse(questions)) {
  const said = await client[asks[type]](flag, value, context ?? {});
  answers.push({ value: said.value, variant: said.variant ?? null, reason: said.reason ?? null, error: said.errorCode ?? null });
}
console.log(JSON.stringify(answers));

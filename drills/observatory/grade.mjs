// Grades one address as MDN's HTTP Observatory does; its own command takes no path, no cookie and no 404.
//   node grade.mjs FOLDER-OF-THE-PACKAGE HOST:PORT/PATH [COOKIE]
import { argv } from "node:process";
import { pathToFileURL } from "node:url";

const [folder, address, cookie] = argv.slice(2);
const load = (path) => import(pathToFileURL(`${folder}/src/${path}`).href);
const { ALL_TESTS } = await load("constants.js");
const { MINIMUM_SCORE_FOR_EXTRA_CREDIT } = await load("grader/charts.js");
const { getGradeForScore, getScoreModifier } = await load("grader/grader.js");
const { retrieve } = await load("retriever/retriever.js");

const headers = ["Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"];
const found = await retrieve(address, { headers: cookie ? [...headers, `Cookie: ${cookie}`] : headers });
const answer = found.responses.auto;
if (!answer) throw new Error(`${address} does not answer`);

const results = ALL_TESTS.map((test) => test(found));
const modifiers = results.map(({ result }) => getScoreModifier(result));
const sum = (numbers) => numbers.reduce((one, other) => one + other, 0);
const plain = 100 + sum(modifiers.filter((one) => one < 0));
const score = plain >= MINIMUM_SCORE_FOR_EXTRA_CREDIT ? 100 + sum(modifiers) : plain;

console.log(
  JSON.stringify({
    ...getGradeForScore(score),
    status: answer.status,
    url: found.session.redirectHistory.at(-1)?.url.href,
    verified: answer.verified,
    failed: results.filter(({ pass }) => !pass).map((one) => `${one.constructor.name}: ${one.result}`),
    tests: Object.fromEntries(results.map((one, number) => [one.constructor.name, `${one.result} (${modifiers[number]})`])),
  }),
);

// Grades one page as MDN's HTTP Observatory does. Its own command does not support paths, cookies and error pages.
//   node grade.mjs PACKAGE_FOLDER HOST:PORT/PATH [COOKIE]
import { argv } from "node:process";
import { pathToFileURL } from "node:url";

const [folder, address, cookie] = argv.slice(2);
const load = (path) => import(pathToFileURL(`${folder}/src/${path}`).href);
const { ALL_TESTS } = await load("constants.js");
const { MINIMUM_SCORE_FOR_EXTRA_CREDIT } = await load("grader/charts.js");
const { getGradeForScore, getScoreModifier } = await load("grader/grader.js");
const { retrieve } = await load("retriever/retriever.js");

const headers = ["Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"];
const requests = await retrieve(address, { headers: cookie ? [...headers, `Cookie: ${cookie}`] : headers });
const response = requests.responses.auto;
if (!response) throw new Error(`${address} does not answer`);

const results = ALL_TESTS.map((test) => test(requests));
const modifiers = results.map(({ result }) => getScoreModifier(result));
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
const baseScore = 100 + sum(modifiers.filter((modifier) => modifier < 0));
const score = baseScore >= MINIMUM_SCORE_FOR_EXTRA_CREDIT ? 100 + sum(modifiers) : baseScore;

console.log(
  JSON.stringify({
    ...getGradeForScore(score),
    status: response.status,
    url: requests.session.redirectHistory.at(-1)?.url.href,
    verified: response.verified,
    failed: results.filter(({ pass }) => !pass).map((test) => `${test.constructor.name}: ${test.result}`),
    tests: Object.fromEntries(results.map((test, index) => [test.constructor.name, `${test.result} (${modifiers[index]})`])),
  }),
);

// Expand rules with rrule-temporal 2.2.8, an implementation that is independent of this project and of dateutil.
//   npm install rrule-temporal@2.2.8 && node record_rrule_temporal.mjs < cases.json > results.json
// `cases` are [rule, first day, last day, largest number]; a result is the days, separated by spaces.
import { readFileSync } from "node:fs";
import { RRuleTemporal } from "rrule-temporal";

const cases = JSON.parse(readFileSync(0, "utf8"));
const results = cases.map(([rule, start, last, most]) => {
  const utc = rule.replace(/UNTIL=(\d{8})/, "UNTIL=$1T000000Z");
  const series = new RRuleTemporal({ rruleString: `DTSTART:${start.replaceAll("-", "")}T000000Z\nRRULE:${utc}` });
  const days = [];
  series.all((moment) => {
    const day = moment.toPlainDate().toString();
    if (day > last || days.length >= most) return false;
    days.push(day);
    return true;
  });
  return days.join(" ");
});
console.log(JSON.stringify(results));

// Operations: charts of the requests, read again every 15 seconds while the page is visible.
const series = { rate: ["Per second", "--c1"], errors: ["Errors", "--c6"], p50: ["p50", "--c3"], p95: ["p95", "--c1"], p99: ["p99", "--c6"] };

function drawCharts() {
  const data = JSON.parse(document.getElementById("operations-series").textContent);
  const style = getComputedStyle(document.documentElement);
  const color = (name) => {
    // A token may be light-dark(), which a canvas does not understand.
    const probe = document.createElement("i");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  };
  const axis = { stroke: color("--text-3"), grid: { stroke: color("--border"), width: 1 }, ticks: { show: false }, font: `11px ${style.fontFamily}` };
  const hour = new Intl.DateTimeFormat(document.documentElement.lang || undefined, { hour: "2-digit", minute: "2-digit" });
  const day = new Intl.DateTimeFormat(document.documentElement.lang || undefined, { day: "numeric", month: "short" });
  const span = data.times.at(-1) - data.times[0];
  for (const place of document.querySelectorAll("[data-series]")) {
    const names = place.dataset.series.split(" ");
    const chart = new uPlot(
      {
        width: place.clientWidth,
        height: 176,
        legend: { show: false },
        cursor: { sync: { key: "operations" } },
        scales: { y: { range: (_chart, low, high) => [0, Math.max(high || 0, 1)] } },
        axes: [{ ...axis, values: (_chart, ticks) => ticks.map((tick) => (span > 86400 ? day : hour).format(tick * 1000)) }, { ...axis, size: 44 }],
        series: [{}, ...names.map((name) => ({ label: series[name][0], stroke: color(series[name][1]), width: 1.5, points: { show: false } }))],
      },
      [data.times, ...names.map((name) => data[name])],
      place,
    );
    new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: 176 })).observe(place);
  }
}

if (document.querySelector("[data-series]")) drawCharts();

const page = document.getElementById("operations");
setInterval(async () => {
  const isBusy = page.contains(document.activeElement) && document.activeElement !== document.body;
  if (document.visibilityState !== "visible" || isBusy || page.querySelector("details[open]")) return;
  const response = await fetch(location.href, { headers: { "HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "div#operations" } }).catch(() => null);
  if (!response?.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("operations");
  if (!fresh) return;
  page.replaceChildren(...fresh.childNodes);
  drawCharts();
}, Number(page.dataset.refresh));

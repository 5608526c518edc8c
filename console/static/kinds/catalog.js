// Panel kinds by Grafana's name. A kind is a function (body, panel spec) -> {update(data, scope, marks) -> has data,
// or a promise of it}; one with `static: true` asks nothing. A new kind is one file and one line.

import { bargauge } from "./bargauge.js";
import { heatmap } from "./heatmap.js";
import { stat } from "./stat.js";
import { statetimeline } from "./statetimeline.js";
import { table } from "./table.js";
import { text } from "./text.js";
import { timeseries } from "./timeseries.js";

export const KINDS = { bargauge, gauge: bargauge, heatmap, stat, "state-timeline": statetimeline, table, text, timeseries };

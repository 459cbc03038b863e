/* The kernels that serve a slot with shared capacity, in plain C: the same steps over the same arrays.

   It shows what compiled Python leaves on the table, and that nothing but rounding of exp depends on the compiler.
   Further objectives and loads in the slot are left out. Arrays come by address, under the names that
   test_serving_twin.py defines before this text; names are those of idn_gym.core, where every step is explained.
   Build with -ffp-contract=off: a fused multiply-add rounds once where two operations round twice. */

#include <math.h>
#include <stdint.h>

#define EMPTY (-1)

static double larger(double a, double b) { return b > a ? b : a; }

static int covers(int held, int part) {
    return held != EMPTY && segment_first[held] <= segment_first[part] && segment_last[held] >= segment_last[part];
}

/* ---- listing */

static void measure_paths(int64_t b, int64_t t) {
    for (int64_t e = 0; e < LINKS; e++) rate[e] = draw_rate[(b * SLOTS + t) * LINKS + e];
    double sum = 0.0;
    for (int64_t j = 0; j < POSITIONS; j++) {
        int link = path_link[j];
        if (link == EMPTY) sum = 0.0;
        else if (rate[link] > 0.0) sum += 1.0 / rate[link];
        else sum = INFINITY;
        pace[j] = sum;
    }
}

static int64_t cost_row(int64_t b) { return COST_ROWS > 1 ? b * OPTIONS : 0; }

static int is_usable(int64_t b, int64_t o) {
    int m = option_model[o];
    for (int64_t q = part_start[o]; q < part_start[o + 1]; q++) {
        int held = resident[(b * NODES + part_node[q]) * MODELS + m], part = part_segment[q];
        if (held == EMPTY || (held != part && !covers(held, part))) return 0;
    }
    return 1;
}

static double link_seconds(int64_t o, int64_t origin) {
    if (pace[origin + part_position[part_start[o + 1] - 1]] == INFINITY) return INFINITY;
    double total = 0.0;
    int64_t before = origin + option_origin[o];
    for (int64_t q = part_start[o]; q < part_start[o + 1]; q++) {
        int64_t here = origin + part_position[q];
        total += part_bytes[q] * (pace[here] - pace[before]);
        before = here;
    }
    return total;
}

static int64_t list_option(int64_t b, int64_t rho, int64_t o, double link, int64_t count) {
    double seconds = option_latency[cost_row(b) + o] + link;
    if (seconds >= class_timeout[rho]) return 0;
    option[count] = o;
    latency[count] = seconds;
    cost[count] = option_cost[cost_row(b) + o] + tariff[b * PRICES + 1] * link;
    return 1;
}

static int64_t list_fallback(int64_t b, int64_t rho, int64_t origin, int64_t count) {
    int64_t row = cost_row(b), best = -1;
    double link = link_seconds(class_fallback[rho], origin);
    for (int64_t o = class_fallback[rho]; o < option_start[rho + 1]; o++) {
        if (best >= 0 && option_cost[row + o] > option_cost[row + best]) continue;
        if (best >= 0 && option_cost[row + o] == option_cost[row + best] && option_rank[o] > option_rank[best])
            continue;
        if (!(option_latency[row + o] + link >= class_timeout[rho])) best = o;
    }
    return best < 0 ? 0 : list_option(b, rho, best, link, count);
}

static int64_t list_options(int64_t b, int64_t rho, int64_t count) {
    int64_t path = class_path[rho], origin = path_start[path], task = class_task[rho];
    int64_t group = class_group[rho], fallback = class_fallback[rho];
    for (int64_t j = origin; j < path_start[path + 1]; j++) {
        if (group_start[group] >= fallback) break;
        int v = path_node[j];
        for (int m = task_model[task]; m < task_model[task + 1]; m++) {
            if (resident[(b * NODES + v) * MODELS + m] != EMPTY) {
                int64_t last = group_start[group + 1] < fallback ? group_start[group + 1] : fallback;
                for (int64_t o = group_start[group]; o < last; o++) {
                    if (model_blocks[m] <= 1 || is_usable(b, o))
                        count += list_option(b, rho, o, link_seconds(o, origin), count);
                }
            }
            group++;
        }
    }
    if (fallback < option_start[rho + 1]) count += list_fallback(b, rho, origin, count);
    return count;
}

static void bring_cheapest(int64_t first, int64_t end) {
    int64_t best = first;
    for (int64_t i = first + 1; i < end; i++) {
        if (cost[i] < cost[best]) best = i;
        else if (cost[i] == cost[best] && option_rank[option[i]] < option_rank[option[best]]) best = i;
    }
    int64_t o = option[first];
    double c = cost[first], l = latency[first];
    option[first] = option[best], option[best] = o;
    cost[first] = cost[best], cost[best] = c;
    latency[first] = latency[best], latency[best] = l;
}

/* ---- filling: without windows a class is one stream */

static int uses_full(int64_t o, int64_t origin) {
    int64_t before = origin + option_origin[o];
    for (int64_t q = part_start[o]; q < part_start[o + 1]; q++) {
        if (part_seconds[q] > 0.0 && full[part_node[q]]) return 1;
        int64_t here = origin + part_position[q];
        if (part_bytes[q] > 0.0)
            for (int64_t j = before + 1; j <= here; j++)
                if (full[NODES + path_link[j]]) return 1;
        before = here;
    }
    return 0;
}

static int64_t next_entry(int64_t rho, int64_t origin) {
    int64_t i = entry[rho], end = entry_end[rho];
    for (; i < end; i++) {
        if (i == ordered[rho]) {
            bring_cheapest(i, end);
            ordered[rho] = i + 1;
        }
        if (!uses_full(option[i], origin)) break;
    }
    return entry[rho] = i;
}

static int64_t PULLED; /* resources in `pulled`: those that somebody pulls at */

static void add_pull(int64_t r, double more) {
    if (pull[r] == 0.0 && more > 0.0) pulled[PULLED++] = r;
    pull[r] += more;
}

static int64_t sum_pulls(int64_t b, int64_t streams) {
    int64_t stay = 0;
    PULLED = 0;
    for (int64_t k = 0; k < streams; k++) {
        int64_t rho = stream[k], origin = path_start[class_path[rho]], i = next_entry(rho, origin);
        if (i == entry_end[rho]) continue;
        stream[stay++] = rho;
        int64_t o = option[i], before = origin + option_origin[o];
        for (int64_t q = part_start[o]; q < part_start[o + 1]; q++) {
            int v = part_node[q];
            add_pull(v, pour[rho] * (part_seconds[q] * slowdown[b * NODES + v]));
            int64_t here = origin + part_position[q];
            for (int64_t j = before + 1; j <= here; j++) add_pull(NODES + path_link[j], pour[rho] * part_bytes[q]);
            before = here;
        }
    }
    return stay;
}

static void run_pass(int64_t b, int64_t basin, double share) {
    double now = 0.0;
    int64_t streams = 0;
    for (int64_t k = basin_start[basin]; k < basin_start[basin + 1]; k++) {
        int64_t rho = basin_class[k];
        if (left[rho] <= 0.0) continue;
        pour[rho] = left[rho];
        entry[rho] = entry_start[rho];
        stream[streams++] = rho;
    }
    for (int64_t event = 0; event < NODES + LINKS + 1; event++) {
        streams = sum_pulls(b, streams);
        int64_t first = -1;
        double until = 1.0;
        for (int64_t n = 0; n < PULLED; n++) {
            int64_t r = pulled[n];
            double room = larger(0.0, share * supply[r] - used[r]);
            if (room >= pull[r]) continue;
            double then = now + room / pull[r];
            if (then < until || (then == until && r < first)) first = r, until = then;
        }
        for (int64_t n = 0; n < PULLED; n++) {
            int64_t r = pulled[n];
            used[r] += pull[r] * (until - now);
            pull[r] = 0.0;
        }
        for (int64_t k = 0; k < streams; k++) {
            int64_t rho = stream[k];
            double after = pour[rho] * (1.0 - until);
            amount[entry[rho]] += left[rho] - after;
            left[rho] = after;
        }
        if (first < 0) break;
        used[first] = share * supply[first];
        full[first] = 1;
        now = until;
    }
}

static void fill_slot(int64_t b, int64_t t) {
    int64_t end = 0;
    for (int64_t v = 0; v < NODES; v++) supply[v] = draw_seconds[(b * SLOTS + t) * NODES + v];
    for (int64_t e = 0; e < LINKS; e++) supply[NODES + e] = rate[e] * SLOT_SECONDS;
    for (int64_t r = 0; r < NODES + LINKS; r++) used[r] = 0.0;
    for (int turn = 0; turn < 2; turn++) {
        double share = turn == 0 ? LOAD_LIMIT : LAST_RESORT;
        for (int64_t r = 0; r < NODES + LINKS; r++) full[r] = used[r] >= share * supply[r];
        for (int64_t basin = 0; basin < BASINS; basin++) {
            for (int64_t k = basin_start[basin]; turn == 0 && k < basin_start[basin + 1]; k++) {
                int64_t rho = basin_class[k];
                left[rho] = batch[rho];
                entry_start[rho] = ordered[rho] = end;
                if (batch[rho] > 0.0) end = list_options(b, rho, end);
                entry_end[rho] = end;
                for (int64_t i = entry_start[rho]; i < end; i++) amount[i] = 0.0;
            }
            run_pass(b, basin, share);
        }
    }
}

/* ---- queues */

static double mean_wait(int64_t servers, double arrivals, double first, double second) {
    double load = arrivals * first;
    if (load <= 0.0) return 0.0;
    if (load >= (double)servers) return INFINITY;
    if (servers == 1) return arrivals * second / (2.0 * (1.0 - load));
    double blocked = 1.0;
    for (int64_t k = 1; k <= servers; k++) blocked = load * blocked / ((double)k + load * blocked);
    double erlang = blocked / (1.0 - load / (double)servers * (1.0 - blocked));
    return erlang * first / ((double)servers - load) * second / (2.0 * first * first);
}

static void open_queue(int64_t r, int64_t servers, double pace_of_work) {
    double arrivals = visits[r] / SLOT_SECONDS;
    double first = work[r] / visits[r] * pace_of_work;
    double second = square[r] / visits[r] * pace_of_work * pace_of_work;
    delay[r] = mean_wait(servers, arrivals, first, second);
    idle[r] = larger(0.0, 1.0 - arrivals * first / (double)servers);
}

static int64_t VISITED; /* resources in `visited`: those of the basin with visits */

static void add_visit(int64_t r, double flow, double size) {
    if (visits[r] == 0.0 && flow > 0.0) visited[VISITED++] = r;
    visits[r] += flow, work[r] += flow * size, square[r] += flow * size * size;
}

static void add_visits(int64_t b, int64_t o, int64_t origin, double requests) {
    for (int64_t x = branch_start[o]; x < branch_start[o + 1]; x++) {
        double flow = requests * branch_share[x];
        int64_t before = origin + option_origin[o];
        for (int64_t i = 0; i < branch_parts[x]; i++) {
            int64_t q = part_start[o] + i, here = origin + part_position[q];
            int v = part_node[q];
            double seconds = branch_seconds[x * PARTS + i] * slowdown[b * NODES + v];
            double size = branch_bytes[x * PARTS + i];
            if (seconds > 0.0) add_visit(v, flow, seconds);
            if (size > 0.0)
                for (int64_t j = before + 1; j <= here; j++) add_visit(NODES + path_link[j], flow, size);
            before = here;
        }
    }
}

static void open_queues(int64_t b, int64_t basin) {
    VISITED = 0;
    for (int64_t k = basin_start[basin]; k < basin_start[basin + 1]; k++) {
        int64_t rho = basin_class[k];
        for (int64_t i = entry_start[rho]; i < ordered[rho]; i++)
            if (amount[i] > 0.0) add_visits(b, option[i], path_start[class_path[rho]], amount[i]);
    }
    for (int64_t n = 0; n < VISITED; n++) {
        int64_t r = visited[n], servers = r < NODES ? node_servers[r] : 1;
        if (r >= NODES) open_queue(r, 1, 1.0 / rate[r - NODES]);
        else if (servers > 0) open_queue(r, servers, (double)servers * SLOT_SECONDS / supply[r]);
    }
}

static double branch_wait(int64_t x, int64_t o, int64_t origin, double *empty) {
    double wait = 0.0;
    int64_t before = origin + option_origin[o];
    *empty = 1.0;
    for (int64_t i = 0; i < branch_parts[x]; i++) {
        int64_t q = part_start[o] + i, here = origin + part_position[q];
        if (branch_bytes[x * PARTS + i] > 0.0)
            for (int64_t j = before + 1; j <= here; j++)
                wait += delay[NODES + path_link[j]], *empty *= idle[NODES + path_link[j]];
        if (branch_seconds[x * PARTS + i] > 0.0) wait += delay[part_node[q]], *empty *= idle[part_node[q]];
        before = here;
    }
    return wait;
}

static double given_wait(int64_t rho, int64_t i, int64_t origin, double *kept) {
    int64_t o = option[i];
    double wait = 0.0, empty, patience = class_timeout[rho] - latency[i], given;
    for (int64_t x = branch_start[o]; x < branch_start[o + 1]; x++)
        wait += branch_share[x] * branch_wait(x, o, origin, &empty);
    if (patience <= 0.0) given = 0.0;
    else if (isinf(wait)) given = patience / 2.0;
    else {
        double ratio = 2.0 * wait / patience;
        given = wait / sqrt(1.0 + ratio * ratio);
    }
    *kept = wait > 0.0 ? given / wait : 0.0;
    return given;
}

static double late_share(int64_t b, int64_t o, int64_t origin, double deadline, double kept) {
    double share = 0.0;
    for (int64_t x = branch_start[o]; x < branch_start[o + 1]; x++) {
        double seconds = 0.0, wait = 0.0, empty = 1.0, over;
        int64_t before = origin + option_origin[o];
        for (int64_t i = 0; i < branch_parts[x]; i++) {
            int64_t q = part_start[o] + i, here = origin + part_position[q];
            seconds += path_delay[here] - path_delay[before];
            seconds += branch_bytes[x * PARTS + i] * (pace[here] - pace[before]);
            seconds += branch_seconds[x * PARTS + i] * slowdown[b * NODES + part_node[q]];
            before = here;
        }
        if (kept > 0.0) wait = branch_wait(x, o, origin, &empty);
        double slack = deadline - seconds;
        wait = kept * wait;
        if (slack < 0.0) over = 1.0;
        else if (wait <= 0.0) over = 0.0;
        else over = (1.0 - empty) * exp(-slack * (1.0 - empty) / wait);
        share += branch_share[x] * over;
    }
    return share;
}

/* ---- booking */

static void book_option(int64_t b, int64_t rho, int64_t i, double wait, double kept) {
    int64_t o = option[i], origin = path_start[class_path[rho]], c = b * CLASSES + rho, before = option_origin[o];
    double requests = amount[i];
    for (int64_t q = part_start[o]; q < part_start[o + 1]; q++) {
        int v = part_node[q];
        double seconds = requests * part_seconds[q] * slowdown[b * NODES + v];
        busy[b * NODES + v] += seconds;
        spent[c * LONGEST + path_same_node[origin + part_position[q]]] += seconds;
        for (int64_t j = before + 1; j <= part_position[q]; j++) {
            double size = requests * part_bytes[q];
            sent[c * LONGEST + path_same_link[origin + j]] += size;
            carried[b * LINKS + path_link[origin + j]] += size;
        }
        before = part_position[q];
    }
    served[c] += requests;
    started[c * (LONGEST + 1) + part_position[part_start[o]]] += requests;
    correct[c] += requests * (1.0 - option_error[o]);
    out_latency[c] += requests * (latency[i] + wait);
    out_wait[c] += requests * wait;
    energy[c] += requests * option_joules[cost_row(b) + o];
    traffic[c] += requests * option_traffic[o];
    late[c] += requests * late_share(b, o, origin, class_deadline[rho], kept);
    if (part_start[o + 1] - part_start[o] > 1) split[c] += requests;
    early[c] += requests * (1.0 - branch_share[branch_start[o + 1] - 1]);
}

static void book_dropped(int64_t b, int64_t rho, double requests) {
    int64_t c = b * CLASSES + rho, row = COST_ROWS > 1 ? b * CLASSES : 0;
    penalty[c * PRICES] += requests;
    penalty[c * PRICES + 1] += requests * class_timeout[rho];
    penalty[c * PRICES + 2] += requests * drop_joules[row + rho];
    penalty[c * PRICES + 3] += requests * class_drop_bytes[rho];
    late[c] += requests;
    started[c * (LONGEST + 1) + LONGEST] += requests;
}

static double book_class(int64_t b, int64_t rho, double total) {
    for (int64_t i = entry_start[rho]; i < ordered[rho]; i++)
        if (amount[i] > 0.0) {
            double kept, given = given_wait(rho, i, path_start[class_path[rho]], &kept);
            book_option(b, rho, i, given, kept);
            total += amount[i] * (cost[i] + tariff[b * PRICES + 1] * given);
        }
    if (left[rho] > 0.0) {
        book_dropped(b, rho, left[rho]);
        total += left[rho] * drop_cost[(COST_ROWS > 1 ? b * CLASSES : 0) + rho];
    }
    return total;
}

static double serve_together(int64_t b, int64_t t) {
    double total = 0.0;
    fill_slot(b, t);
    for (int64_t r = 0; r < NODES + LINKS; r++) visits[r] = work[r] = square[r] = delay[r] = 0.0, idle[r] = 1.0;
    for (int64_t basin = 0; basin < BASINS; basin++) {
        open_queues(b, basin);
        for (int64_t k = basin_start[basin]; k < basin_start[basin + 1]; k++) total = book_class(b, basin_class[k], total);
    }
    for (int64_t v = 0; v < NODES; v++) node_wait[b * NODES + v] = delay[v];
    for (int64_t e = 0; e < LINKS; e++) link_wait[b * LINKS + e] = delay[NODES + e];
    return total;
}

/* Serve all slots of all rows, booking on top of what is booked. */
void serve_rows(void *const *addresses) {
    where = addresses;
    for (int64_t t = 0; t < SLOTS; t++)
        for (int64_t b = 0; b < ROWS; b++) {
            measure_paths(b, t);
            for (int64_t rho = 0; rho < CLASSES; rho++) {
                batch[rho] = demand[(b * SLOTS + t) * CLASSES + rho];
                arrived[b * CLASSES + rho] = batch[rho];
            }
            tariff_cost[b] += serve_together(b, t);
        }
}

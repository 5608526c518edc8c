"""How much one write carries: less after it was too much, more again while answers are quick."""

from collector.deliver.pace import LEAST_BYTES, QUICK_S, SLOW_S, Pace

MOST = 1 << 20
STEP = MOST // 8


def test_it_begins_at_the_most_and_never_goes_beyond():
    """Quick answers to full writes change nothing where nothing was wrong."""
    pace = Pace(MOST)
    pace.answered(MOST, 0.1)
    assert pace.size_bytes == MOST


def test_a_time_out_halves_it_and_quick_full_writes_bring_it_back_by_steps():
    """Half at once, then an eighth of the most for each full write: four of them make up for one time-out."""
    pace = Pace(MOST)
    pace.late(MOST)
    sizes = [pace.size_bytes]
    for _ in range(5):
        pace.answered(pace.size_bytes, QUICK_S)
        sizes.append(pace.size_bytes)
    assert sizes == [MOST // 2, *(MOST // 2 + STEP * number for number in (1, 2, 3, 4, 4))]


def test_a_slow_answer_halves_it_and_one_in_between_changes_nothing():
    """Long before the time-out there is a sign."""
    pace = Pace(MOST)
    pace.answered(MOST, SLOW_S)
    assert pace.size_bytes == MOST // 2
    pace.answered(MOST // 2, (QUICK_S + SLOW_S) / 2)
    assert pace.size_bytes == MOST // 2


def test_writes_that_were_not_full_teach_nothing_about_more():
    """Single points are answered quickly however small a body the destination takes."""
    pace = Pace(MOST)
    pace.late(MOST)
    pace.answered(100, 0.001)
    assert pace.size_bytes == MOST // 2


def test_writes_that_failed_together_count_once():
    """Four buckets are written to at once when the destination stops answering."""
    pace = Pace(MOST)
    for _ in range(4):
        pace.late(MOST)
    assert pace.size_bytes == MOST // 2


def test_it_never_falls_below_what_is_worth_a_request():
    """However often it fails."""
    pace = Pace(MOST)
    for _ in range(50):
        pace.late(pace.size_bytes)
    assert pace.size_bytes == LEAST_BYTES


def test_a_most_below_the_least_is_kept_to():
    """Whoever configures 1 kB a write gets 1 kB a write."""
    pace = Pace(1000)
    pace.late(1000)
    assert pace.size_bytes == 1000


def test_what_was_refused_for_its_size_is_not_sent_again():
    """A limit between a half and the whole is approached from both sides, and not run into at every eighth write."""
    limit = MOST * 6 // 10
    pace = Pace(MOST)
    refusals = 0
    for _ in range(200):
        if pace.size_bytes > limit:
            refusals += 1
            pace.too_large(pace.size_bytes)
        else:
            pace.answered(pace.size_bytes, 0.1)
    assert refusals == 2
    assert limit // 2 < pace.size_bytes <= limit


def test_a_limit_is_forgotten_in_the_end():
    """Somebody may have mended the proxy: after many full writes more is tried again."""
    pace = Pace(MOST)
    pace.too_large(MOST)
    for _ in range(600):
        pace.answered(pace.size_bytes, 0.1)
    assert pace.size_bytes == MOST

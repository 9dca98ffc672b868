"""The pictures of matplotlib show what the engine computed, in both languages."""

import math
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.contour import QuadContourSet
from matplotlib.quiver import Quiver
from matplotlib.text import Text

from micrograd_es import Field, exp, log
from micrograd_es.cli.commands import main
from micrograd_es.draw import figure as figures
from micrograd_es.draw import plots
from micrograd_es.lesson.characters import DRAWINGS, drawing
from micrograd_es.lesson.network import Lesson
from micrograd_es.lesson.pictures import PICTURES, picture
from micrograd_es.lesson.story import tell
from micrograd_es.texts import Language
from tests.support.amount import THOROUGH, some

STORY = tell(Lesson(), None, 500)


def bowl(x, y):
    return x * x + 3 * y * y + x * y


def written(figure):
    """Return all texts of a figure as its SVG holds them."""
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        root = ET.fromstring(figures.render(figure, "svg"))
    return ["".join(element.itertext()) for element in root.iter() if element.tag.endswith("text")]


@pytest.mark.parametrize("name", some(PICTURES, 12))
def test_a_picture_speaks_both_languages_in_letters_that_can_be_read(name):
    wrong = {"es": r"\d\.\d", "en": r"\d,\d"}
    told = {}
    for language, decimal in wrong.items():
        figure = picture(name, STORY, language)
        told[language] = written(figure)
        assert not [text for text in told[language] if re.search(decimal, text)]
        assert figure.get_figwidth() * 100 == 600
        texts = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
        assert min(text.get_fontsize() for text in texts) >= 9
    assert told["es"] != told["en"]


def test_a_picture_is_the_same_bytes_in_every_process(tmp_path):
    name = "rates" if THOROUGH else "slopes"
    code = (
        "from tests.draw.test_plots import *; import sys;"
        f"plots.save(picture({name!r}, STORY, 'es'), sys.argv[1])"
    )
    found = []
    for seed in ("1", "2") if THOROUGH else ("1",):
        path = tmp_path / f"{seed}.svg"
        environment = os.environ | {"PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code, path], env=environment, check=True)
        found.append(path.read_bytes())
    assert found[0] == found[-1]
    figure = picture(name, STORY, "es")
    figure.savefig(tmp_path / "own.svg")
    assert found[0] == (tmp_path / "own.svg").read_bytes() == figure._repr_svg_().encode()


def test_arrows_are_as_long_as_the_slope_and_point_where_the_field_climbs():
    figure = plots.arrows(bowl, (-2, 2), (-1, 1), size=5, profile=0.5, language="en")
    above, axes = figure.axes
    quiver = next(iter(figure.findobj(Quiver)))
    slopes = np.array([Field(bowl).gradient(x, y) for x, y in zip(quiver.X, quiver.Y, strict=True)])
    drawn = np.stack([quiver.U, quiver.V], axis=1)
    grid = Field(bowl).grid(np.linspace(-2, 2, 61), np.linspace(-1, 1, 61))
    most = np.quantile(grid.magnitude, 0.98)
    assert np.allclose(drawn, 0.95 * 2 / 5.9 / most * slopes)  # the largest fits into a cell
    rings = [found for found in axes.findobj(QuadContourSet) if len(found.levels) == 1]
    assert [ring.levels[0] for ring in rings] == [pytest.approx(0.8 * most)]
    across, heights = above.lines[0].get_data()
    assert heights == pytest.approx([bowl(x, 0.5) for x in across])


def test_an_arrow_beside_a_singularity_leaves_the_others_as_they_are():
    figure = plots.arrows(lambda x, y: log(x) + y * y, (1e-9, 2), (-1, 1), size=5, language="en")
    quiver = next(iter(figure.findobj(Quiver)))
    lengths = np.hypot(quiver.U, quiver.V)
    assert max(lengths) <= 0.96 * 2 / 5
    assert np.median(lengths) > 0.001


def test_directions_are_all_as_long_beside_the_straight_way():
    towards = (0.5, -0.25)
    figure = plots.directions(bowl, (-2, 2), (-1, 1), towards, size=4, language="en")
    quiver = next(iter(figure.findobj(Quiver)))
    drawn = np.stack([quiver.U, quiver.V], axis=1)
    ahead = np.array([Field(bowl).direction(x, y) for x, y in zip(quiver.X, quiver.Y, strict=True)])
    assert np.allclose(drawn, 0.8 * 2 / 4.6 * ahead)
    (lines,) = figure.findobj(LineCollection)
    for (x, y), (u, v) in lines.get_segments():
        assert (u - x) * (towards[1] - y) == pytest.approx((v - y) * (towards[0] - x))
        assert (u - x) * (towards[0] - x) + (v - y) * (towards[1] - y) >= 0


def test_tangents_and_arrows_have_the_slope_of_the_curve():
    figure = plots.slopes(lambda x: x**3 - x, (-2, 2), [-1.5, 0.0, 1.5], language="en")
    above, below = figure.axes
    tangents = [line for line in above.lines[1:] if len(line.get_xdata()) == 2]
    for line, x in zip(tangents, (-1.5, 0.0, 1.5), strict=True):
        (a, b), (low, high) = line.get_data()
        assert (high - low) / (b - a) == pytest.approx(3 * x * x - 1)
    arrows = [found.U[0] for found in below.findobj(Quiver)]
    assert np.allclose(np.array(arrows) / arrows[0], [1, -1 / 5.75, 1])
    assert arrows[0] > 0
    assert {"5.75", "−1"} <= set(written(figure))


def test_axes_are_numbered_as_they_are_and_never_all_alike():
    figure = plots.contours(bowl, (-1000.5, 1000.5), (12345.0, 12346.0), language="es")
    figure.draw_without_rendering()
    for axis, low, high in ((figure.axes[0].xaxis, -1000.5, 1000.5),
                            (figure.axes[0].yaxis, 12345.0, 12346.0)):  # fmt: skip
        told = [label.get_text() for label in axis.get_ticklabels()]
        numbers = [float(text.replace("−", "-").replace(",", ".")) for text in told]
        assert len(set(told)) == len(told) >= 3
        assert numbers == sorted(numbers)
        assert any(low <= x <= high for x in numbers)


def test_the_zone_the_hyperbola_and_the_gradient_of_the_article_are_where_they_should_be():
    for loss, zone in (("absolute", 0.5), ("squared", 0.25)):
        story = tell(Lesson(loss=loss), None, 60)
        found = [one.levels for one in picture("path", story, "en").findobj(QuadContourSet)]
        assert any(list(levels) == [zone] for levels in found)
    lines = [line.get_data() for line in picture("minima", STORY, "en").axes[0].lines]
    u, v = next((u, v) for u, v in lines if len(u) > 200)
    known = ~np.isnan(u)
    assert u[known] * v[known] == pytest.approx(0.25)
    quiver = next(iter(picture("step", STORY, "en").findobj(Quiver)))
    assert quiver.V[0] / quiver.U[0] == pytest.approx(6 / 4)
    assert quiver.U[0] > 0


def test_paths_lie_where_the_descent_went_on_the_map_and_on_the_surface():
    path = Field(bowl).path((2.0, 1.0), 0.1, 12)
    frame = ((-3, 3), (-2, 2))
    figure = plots.contours(bowl, *frame, paths=[path], zone=0.5, gradient=0.1, language="en")
    lines = [np.transpose(line.get_data()) for line in figure.axes[0].lines]
    assert any(len(line) == len(path) and np.array_equal(line, path) for line in lines)
    assert "zone of low error: E ≤ 0.5" in written(figure)
    surface = plots.surface(bowl, *frame, path=path, zone=0.5, language="en").axes[0]
    u, v, height = surface.lines[-1].get_data_3d()
    assert np.array_equal(np.stack([u, v], axis=1), path)
    lift = height - [bowl(*point) for point in path]
    assert np.all(lift > 0)
    assert lift == pytest.approx(lift[0])
    assert {"A", "B"} <= {text.get_text().strip() for text in surface.texts}


def test_errors_are_drawn_twice_and_a_zero_error_has_no_logarithm():
    runs = {"good": [4.0, 1.0, 0.0], **{f"{i}": [1.0] for i in range(9)}}
    figure = plots.errors(runs, goal=0.5, language="en")
    assert "the goal: 0.5" in written(figure)
    styles = {(line.get_color(), line.get_linestyle(), line.get_marker())
              for line in figure.axes[0].lines}  # fmt: skip
    assert len(styles) == len(runs) + 1
    linear, logarithmic = (axes.lines[0].get_ydata() for axes in figure.axes)
    assert list(linear) == [4.0, 1.0, 0.0]
    assert list(logarithmic)[:2] == [4.0, 1.0]
    assert np.isnan(logarithmic[2])


def test_what_is_undefined_is_left_blank_and_a_field_of_nothing_is_an_error():
    figures.render(plots.contours(lambda x, y: (x * 1.0) ** 0.5 + y, (-1, 1), (-1, 1)), "svg")
    with pytest.raises(ValueError, match="nothing to draw"):
        plots.contours(lambda x, y: exp(1000.0 + x * 0), (-1, 1), (-1, 1))
    with pytest.raises(ValueError, match="nothing to draw"):
        plots.slopes(lambda x: log(x - 5), (-1, 1), [])
    with pytest.raises(ValueError, match="nothing to draw"):
        plots.arrows(lambda x, y: log(x - 5) + y, (-1, 1), (-1, 1))
    figures.render(plots.contours(bowl, (-1, 1), (-1, 1), paths=[[]], gradient=1.0), "svg")
    figures.render(plots.rates(bowl, (-1, 1), (-1, 1), {"none": []}), "svg")
    figures.render(plots.errors({"none": [], "right": [0.0, 0.0]}), "svg")
    figures.render(plots.contours(lambda x, y: 0.0, (-1, 1), (-1, 1), zone=0.5), "svg")
    figures.render(plots.surface(lambda x, y: 0.0, (-1, 1), (-1, 1), zone=0.5), "svg")
    figures.render(plots.slopes(lambda x: 2.0, (-1, 1), [0.0]), "svg")


EXTREMES = [
    {"x": 0.0},
    {"target": 0.0},
    {"w1": 0.0, "w2": 0.0},
    {"x": 1e30, "w1": -1e30},
    {"x": 1e-30, "target": 1e-30, "loss": "squared"},
]


@pytest.mark.parametrize("numbers", some(EXTREMES, 5), ids=str)
@pytest.mark.parametrize(
    "name", some(["surface", "weights", "step", "path", "rates", "errors", "minima"])
)
def test_whatever_the_numbers_there_is_a_picture_without_a_warning(name, numbers):
    story = tell(Lesson(**numbers), None, 20)
    figures.render(picture(name, story, "es"), "png")


def test_every_picture_can_be_drawn_with_characters_too():
    assert list(PICTURES) == list(DRAWINGS)
    for name in DRAWINGS:
        lines = drawing(name, STORY, Language("en")).split("\n")
        assert len(lines) >= 7
        assert lines[-1].endswith(f"micrograd-es plot {name} -o {name}.svg")
    arrows = drawing("field", STORY, Language("en")).split("\n")[2:]
    assert arrows[0].startswith("↖")
    assert arrows[5] == "  ".join("←←←←←·→→→→→")


@pytest.mark.parametrize("ending", some(["svg", "png", "pdf"]))
def test_the_command_writes_a_picture(ending, tmp_path, capsys):
    path = tmp_path / f"field.{ending}"
    assert main(["plot", "slopes", "-o", str(path), "--lang", "en"]) == 0
    first = path.read_bytes()
    assert main(["plot", "slopes", "-o", str(path), "--lang", "en"]) == 0
    assert path.read_bytes() == first
    told, err = capsys.readouterr()
    address = f"It opens in a browser or an image viewer: file://{path}"
    assert told.splitlines()[1] == f"Picture written to {path}. {address}"
    assert err == ""


@pytest.mark.parametrize(
    ("options", "es", "en"),
    [
        (["plot"], "plot espera uno de field, slopes", "plot expects one of field, slopes"),
        (["plot", "nothing"], "«nothing»", '"nothing"'),
        (["plot", "field", "-o", "a.gif"], "termine en .svg", "ends in .svg"),
        (["plot", "slopes", "-o", "no/where.svg"], "no se ha podido escribir", "could not write"),
        (["plot", "field", "--json"], "«plot --json»", '"plot --json"'),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(options, es, en, capsys):
    for language, sentence in (("es", es), ("en", en)):
        assert main([*options, "--lang", language]) == 2
        assert sentence in capsys.readouterr().err


def test_without_matplotlib_it_says_what_to_install_and_draws_with_characters():
    code = "import sys; sys.modules['matplotlib'] = None\n"
    room = code + "from micrograd_es.draw import plots"
    done = subprocess.run([sys.executable, "-c", room], capture_output=True, check=False)
    assert (
        b"MissingExtra: pictures need matplotlib: pip install 'micrograd-es[plot]'" in done.stderr
    )
    command = code + "from micrograd_es.cli import main\n"
    command += "sys.exit(main(['plot', 'field', '-o', 'f.svg', '--lang', 'en']))"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, check=False)
    assert done.returncode == 2
    assert "↖" in done.stdout.decode()
    assert b"pip install 'micrograd-es[plot]'" in done.stderr


# ---- what a reader relies on ---------------------------------------------------------------------

STEEP = {
    "steep": (lambda x, y: exp(3 * x) + y, (-1, 1), (-1, 1)),
    "flat": (lambda x, y: 1e-9 * (x + y * y * y), (0, 1), (0, 2)),
    "far": (lambda x, y: 1e6 + 1e3 * x * y, (-5, 5), (-5, 5)),
    "negative": (lambda x, y: -abs(x) - 40 * y, (-1, 1), (0, 3)),
}


def level_lines(figure):
    """Return the sets of level lines of a figure that are no zone and no shade."""
    found = figure.findobj(QuadContourSet)
    return [one for one in found if not one.filled and len(one.levels) > 1]


@pytest.mark.parametrize("name", some(STEEP))
def test_level_lines_are_equally_far_apart_in_value(name):
    field, x, y = STEEP[name]
    for figure in (plots.contours(field, x, y), plots.surface(field, x, y)):
        (lines,) = level_lines(figure)
        steps = np.diff(lines.levels)
        assert 2 <= len(steps) <= 12
        assert steps == pytest.approx(np.full(len(steps), steps[0]), rel=1e-6)
        assert f"{steps[0]:.2e}"[0:4] in ("1.00", "2.00", "2.50", "5.00")


@pytest.mark.parametrize(
    "lesson", some([Lesson(), Lesson(loss="squared"), Lesson(x=-3, target=2), Lesson(w1=3)])
)
def test_the_lines_of_the_minima_have_no_spikes(lesson):
    figure = picture("minima", tell(lesson, None, 200), "en")
    for lines in level_lines(figure):
        for path in lines.get_paths():
            for part in path.to_polygons(closed_only=False):
                ahead = np.diff(part, axis=0)
                ahead = ahead[np.hypot(*ahead.T) > 1e-9]
                angles = np.unwrap(np.arctan2(ahead[:, 1], ahead[:, 0]))
                assert abs(np.diff(angles)).max(initial=0) < np.pi / 2


def tips(quiver):
    return zip(quiver.X + quiver.U, quiver.Y + quiver.V, strict=True)


OUTWARD = {
    "arrows": lambda: plots.arrows(bowl, (-2, 2), (-1, 1), size=5),
    "profile": lambda: plots.arrows(lambda x, y: x * 3 + y, (0, 9), (0, 1), profile=0.5),
    "directions": lambda: plots.directions(bowl, (-2, 2), (-1, 1), (0, 0), size=4),
    "gradient": lambda: plots.contours(bowl, (-2, 2), (-1, 1), paths=[[(1.9, 0.9)]], gradient=9.0),
    "slopes": lambda: plots.slopes(lambda x: x**3, (-1, 1), [-1.0, 0.9, 1.0]),
    "saddle": lambda: picture("saddle", STORY, "en"),
    "step": lambda: picture("step", STORY, "en"),
}


@pytest.mark.parametrize("name", some(OUTWARD))
def test_no_tip_of_an_arrow_is_outside_its_panel(name):
    quivers = OUTWARD[name]().findobj(Quiver)
    assert quivers
    for quiver in quivers:
        (left, right), (low, high) = quiver.axes.get_xlim(), quiver.axes.get_ylim()
        for u, v in tips(quiver):
            assert left - 1e-9 <= u <= right + 1e-9
            assert low - 1e-9 <= v <= high + 1e-9


@pytest.mark.parametrize("name", some(PICTURES, 12))
def test_every_panel_has_its_labels(name):
    figure = picture(name, STORY, "en")
    for axes in figure.axes:
        if axes.axison:
            assert axes.get_xlabel()
            assert any(label.get_text() and label.get_visible() for label in axes.get_xticklabels())
            below_curve = name == "slopes" and axes is figure.axes[1]
            assert axes.get_ylabel() or below_curve  # arrows along a line have no height
            box, page = axes.get_tightbbox(), figure.bbox
            assert page.x0 - 1 <= box.x0 <= box.x1 <= page.x1 + 1


def test_a_run_that_diverged_is_drawn_up_to_where_it_leaves():
    runs = {
        "away": [1.0, 1e200, math.inf, math.nan],
        "at once": [math.inf, math.nan],
        "down": [3.0, 1.0],
    }
    figure = plots.errors(runs, goal=math.inf, language="en")
    linear, logarithmic = figure.axes
    assert linear.get_ylim() == (0, 4.5)
    drawn = logarithmic.lines[0].get_ydata()
    assert list(drawn[:2]) == [1.0, 1e200]
    assert np.isnan(drawn[2:]).all()
    figures.render(figure, "png")


ODD = {
    "constant": lambda x, y: 3.0,
    "zero": lambda x, y: 0.0,
    "constant and huge": lambda x, y: 1e308 + 0 * x,
    "huge": lambda x, y: x * 1e308,
    "large": lambda x, y: x * 1e249 + y,
    "denormal": lambda x, y: x * 5e-324,
    "almost constant": lambda x, y: 1 + x * 1e-16,
    "beyond its digits": lambda x, y: 1e16 + x,
    "steep": lambda x, y: exp(500 * x),
    "nan": lambda x, y: x * math.nan,
    "infinite": lambda x, y: x * 0 + math.inf,
}
KINDS = {
    "contours": lambda f, *sides: plots.contours(
        f, *sides, zone=0.5, paths=[[(0, 0.1), (0.5, 1e200)]]
    ),
    "arrows": lambda f, *sides: plots.arrows(f, *sides, profile=0.0),
    "surface": lambda f, *sides: plots.surface(f, *sides, path=[(0, 0.1), (0.5, 0.5)], zone=0.5),
    "directions": lambda f, *sides: plots.directions(f, *sides, (0, 0)),
    "rates": lambda f, *sides: plots.rates(f, *sides, {"a": [(0, 0)]}, zone=0.5),
    "slopes": lambda f, *sides: plots.slopes(lambda x: f(x, 0.5), sides[0], [0.25, 0.5]),
}


@pytest.mark.parametrize("kind", some(KINDS, 3))
@pytest.mark.parametrize("name", some(ODD, 6))
def test_an_odd_field_gets_a_picture_or_a_sentence(kind, name):
    try:
        figures.render(KINDS[kind](ODD[name], (-1, 1), (-1, 1)), "png")
    except ValueError as problem:
        assert str(problem).startswith("nothing to draw: ")  # noqa: PT017  # or a picture


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", [(1, 1), (1, -1), (0, math.inf), (math.nan, 1), (-1e308, 1e308)])
def test_an_interval_that_is_none_is_refused(kind, side):
    with pytest.raises(ValueError, match="give two numbers, the smaller one first"):
        KINDS[kind](lambda x, y: x + y, side, (0, 1))


@pytest.mark.parametrize("side", [(1,), (1, 2, 3), (), "ab", None, 3, iter([0, 1]), [[0, 1]]])
def test_an_interval_that_is_not_two_numbers_is_refused_in_a_sentence(side):
    for kind in ("contours", "slopes"):
        with pytest.raises((TypeError, ValueError), match=r"two numbers|not a real number"):
            KINDS[kind](lambda x, y: x + y, side, (0, 1))


@pytest.mark.parametrize("count", some([12, 1, 30]))
@pytest.mark.parametrize("label", ["run {}", "a rate of {} and a sentence " * 9])
def test_however_many_runs_there_are_both_panels_and_the_key_are_seen(count, label):
    runs = {label.format(i, *range(9)): [1.0 + i, 0.5, 0.1] for i in range(count)}
    figure = plots.errors(runs, language="en")
    wide, tall = figure.get_size_inches()
    assert all(axes.get_position().height * tall > 1 for axes in figure.axes)
    (key,) = figure.legends
    assert len(key.get_texts()) == count
    box = key.get_window_extent()
    assert box.x1 <= wide * figure.dpi
    assert box.y1 < figure.axes[1].get_window_extent().y0


def test_a_curve_without_points_is_a_curve():
    figure = plots.slopes(lambda x: x * x, (-1, 2), [], language="en")
    assert figure.axes[1].get_xlim() == (-1, 2)

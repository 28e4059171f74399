import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdpsynth.pii._checksums import IBAN_LENGTHS, has_luhn_digit, is_iban, luhn_digit, make_iban

# the examples of the card networks and of the register of IBANs
CARDS = [
    "79927398713",
    "4111111111111111",
    "5500000000000004",
    "378282246310005",
    "6011111111111117",
    "30569309025904",
    "3530111333300000",
]
IBANS = [
    "AT611904300234573201",
    "BE68539007547034",
    "BR1800360305000010009795493C1",
    "CH9300762011623852957",
    "DE89370400440532013000",
    "DK5000400440116243",
    "ES9121000418450200051332",
    "FI2112345600000785",
    "FR1420041010050500013M02606",
    "GB82WEST12345698765432",
    "GR1601101250000000012300695",
    "IE29AIBK93115212345678",
    "IT60X0542811101000000123456",
    "MT84MALT011000012345MTLCAST001S",
    "NL91ABNA0417164300",
    "NO9386011117947",
    "PL61109010140000071219812874",
    "PT50000201231234567890154",
    "SA0380000000608010167519",
    "SE4550000000058398257466",
    "TR330006100519786457841326",
]
DIGITS = st.text("0123456789", min_size=2, max_size=25)


def luhn_by_hand(number):
    """Double every second digit from the right; write products of two digits as their sum."""
    total = 0
    for position, digit in enumerate(reversed(number)):
        product = int(digit) * (2 if position % 2 else 1)
        total += product - 9 if product > 9 else product
    return total % 10 == 0


def remainder_by_hand(number):
    """Divide by 97 in long division, a digit of the spelt out number at a time."""
    remainder = 0
    for character in number[4:] + number[:4]:
        value = ord(character) - 55 if character.isalpha() else int(character)
        remainder = (remainder * (100 if value > 9 else 10) + value) % 97
    return remainder


@pytest.mark.parametrize("number", CARDS)
def test_published_card_numbers(number):
    assert has_luhn_digit(number)
    assert luhn_digit(number[:-1]) == number[-1]


def test_luhn_of_all_short_numbers_by_hand():
    for length in (2, 3, 4):
        numbers = [str(value).zfill(length) for value in range(10**length)]
        assert [has_luhn_digit(number) for number in numbers] == [*map(luhn_by_hand, numbers)]
        assert sum(map(has_luhn_digit, numbers)) == 10 ** (length - 1)


@given(DIGITS)
def test_luhn_by_hand(number):
    assert has_luhn_digit(number) == luhn_by_hand(number)
    assert has_luhn_digit(number + luhn_digit(number))


@given(DIGITS, st.integers(0, 24), st.integers(1, 9))
def test_luhn_finds_every_wrong_digit(payload, position, change):
    number = payload + luhn_digit(payload)
    position %= len(number)
    wrong = str((int(number[position]) + change) % 10)
    assert not has_luhn_digit(number[:position] + wrong + number[position + 1 :])


@pytest.mark.parametrize("number", IBANS)
def test_published_ibans(number):
    assert is_iban(number)
    assert remainder_by_hand(number) == 1
    assert make_iban(number[:2], number[4:]) == number


@st.composite
def ibans(draw):
    country = draw(st.sampled_from(sorted(IBAN_LENGTHS)))
    size = IBAN_LENGTHS[country] - 4
    characters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return make_iban(country, draw(st.text(characters, min_size=size, max_size=size)))


@given(ibans(), st.data())
def test_iban_by_hand_and_with_one_wrong_character(number, data):
    assert is_iban(number)
    assert remainder_by_hand(number) == 1
    position = data.draw(st.integers(2, len(number) - 1))
    same_kind = "0123456789" if number[position].isdigit() else "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    wrong = data.draw(st.sampled_from([c for c in same_kind if c != number[position]]))
    assert not is_iban(number[:position] + wrong + number[position + 1 :])


@pytest.mark.parametrize(
    "number",
    ["", "DE", "DE8937040044053201300", "ZZ82WEST12345698765432", "GB82west12345698765432"],
)
def test_no_ibans(number):
    assert not is_iban(number)
